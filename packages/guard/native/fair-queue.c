#include "fair-queue.h"
#include <string.h>

void fair_queue_start(struct fair_queue *queue)
{
	for (int i = 0; i < QUEUE_JOBS; i++)
		queue->jobs[i].next = i + 1 < QUEUE_JOBS ? i + 1 : -1;
	queue->free = queue->lane_count = 0;
	queue->length = 0;
	queue->started = 0;
}

static struct lane *find_lane(struct fair_queue *queue, __u64 guest)
{
	for (int i = 0; i < queue->lane_count; i++)
		if (queue->lanes[i].guest == guest)
			return &queue->lanes[i];
	return NULL;
}

static struct lane *add_lane(struct fair_queue *queue, __u64 guest)
{
	if (queue->lane_count == QUEUE_JOBS)
		return NULL;
	struct lane *lane = &queue->lanes[queue->lane_count++];
	*lane = (struct lane){ .guest = guest, .first = -1, .last = -1 };
	return lane;
}

/* The lane goes to the end of the turns, or out when nothing of it is left. */
static void end_turn(struct fair_queue *queue, int index)
{
	const struct lane lane = queue->lanes[index];
	memmove(&queue->lanes[index], &queue->lanes[index + 1], (size_t)(--queue->lane_count - index) * sizeof(lane));
	if (lane.length || lane.running)
		queue->lanes[queue->lane_count++] = lane;
}

bool fair_queue_push(struct fair_queue *queue, const struct job *job, unsigned limit)
{
	struct lane *lane = find_lane(queue, job->event.guest);
	int index = queue->free;
	if (index < 0 || (lane && lane->length >= limit) || (!lane && !(lane = add_lane(queue, job->event.guest))))
		return false;
	queue->free = queue->jobs[index].next;
	queue->jobs[index].job = *job;
	queue->jobs[index].next = -1;
	queue->jobs[index].others_before = queue->started - lane->started;
	if (lane->last < 0)
		lane->first = index;
	else
		queue->jobs[lane->last].next = index;
	lane->last = index;
	lane->length++;
	queue->length++;
	return true;
}

bool fair_queue_take(struct fair_queue *queue, unsigned at_once, struct job *job)
{
	int turn = 0;
	while (turn < queue->lane_count && (!queue->lanes[turn].length || queue->lanes[turn].running >= at_once))
		turn++;
	if (turn == queue->lane_count)
		return false;
	struct lane *lane = &queue->lanes[turn];
	int index = lane->first;
	*job = queue->jobs[index].job;
	job->overtaken = (unsigned)(queue->started - lane->started - queue->jobs[index].others_before);
	lane->first = queue->jobs[index].next;
	if (lane->first < 0)
		lane->last = -1;
	queue->jobs[index].next = queue->free;
	queue->free = index;
	lane->length--;
	lane->running++;
	lane->started++;
	queue->started++;
	queue->length--;
	end_turn(queue, turn);
	return true;
}

void fair_queue_done(struct fair_queue *queue, __u64 guest)
{
	struct lane *lane = find_lane(queue, guest);
	if (lane && --lane->running == 0 && lane->length == 0)
		end_turn(queue, (int)(lane - queue->lanes));
}
