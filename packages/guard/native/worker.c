#define _GNU_SOURCE
#include "worker.h"
#include <bpf/bpf.h>
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include "clock.h"
#include "hold.h"
#include "journal.h"
#include "link-break.h"
#include "log.h"

#define QUEUE 1024 /* callers waiting for a copy; the next one is refused */
#define VERDICT_NS 1000000000ULL /* the caller fetches it microseconds later */
static struct job queue[QUEUE];
static unsigned head, length;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t filled = PTHREAD_COND_INITIALIZER;
static int answers;

struct worker {
	int slot;
	struct copy_buffers buffers;
};
static struct worker workers[WORKERS];

void answer(const struct guard_event *event, __u32 state, int error)
{
	struct guard_answer value = { .inode = event->inode, .expires = monotonic_ns() + VERDICT_NS, .state = state, .error = error };
	if (bpf_map_update_elem(answers, &event->task, &value, BPF_ANY))
		log_line("an answer was lost (errno %d): its caller is refused", errno);
}

bool workers_submit(const struct job *job)
{
	pthread_mutex_lock(&lock);
	bool room = length < QUEUE;
	if (room) {
		queue[(head + length++) % QUEUE] = *job;
		pthread_cond_signal(&filled);
	}
	pthread_mutex_unlock(&lock);
	return room;
}

static struct break_request request_of(const struct worker *worker, const struct job *job)
{
	return (struct break_request){
		.inode = job->event.inode,
		.parent = job->event.parent,
		.name = job->event.name,
		.held = job->held ? (int)(__u32)job->event.task : 0,
		.waits = job->event.kind == EVENT_OPEN && !job->held,
		.slot = worker->slot,
	};
}

/* What is broken is no longer what a held caller's path leads to, so it needs no verdict. Should it still reach the
 * shared inode (a mount of the file itself, an overlay above it), nothing can be broken for it: a name that was
 * somebody else's (ESTALE) then means refused, instead of started again for ever. */
static void serve(struct worker *worker, const struct job *job)
{
	const struct break_request request = request_of(worker, job);
	struct break_result result;
	link_break(&request, &worker->buffers, &result);
	if (!job->held)
		answer(&job->event, ANSWER_RESULT, result.error ? -result.error : -ESTALE);
	else {
		if (result.error) {
			hold_wait_for_stop(request.held); /* its hook has taken the first answer by then */
			answer(&job->event, ANSWER_RESULT, result.error == ESTALE ? -EPERM : -result.error);
		}
		hold_release(request.held);
	}
	journal_break(&job->event, &result);
}

static void *work(void *argument)
{
	struct worker *worker = argument;
	for (;;) {
		pthread_mutex_lock(&lock);
		while (length == 0)
			pthread_cond_wait(&filled, &lock);
		const struct job job = queue[head];
		head = (head + 1) % QUEUE;
		length--;
		pthread_mutex_unlock(&lock);
		if (job.event.kind != EVENT_ALONE)
			serve(worker, &job);
		else {
			const struct break_request request = request_of(worker, &job);
			if (link_drop_if_alone(&request))
				journal_note(&job.event);
		}
	}
	return NULL;
}

int workers_start(int answers_map)
{
	answers = answers_map;
	for (int i = 0; i < WORKERS; i++) {
		pthread_t thread;
		workers[i].slot = i;
		if ((errno = pthread_create(&thread, NULL, work, &workers[i])))
			return -1;
		pthread_detach(thread);
	}
	return 0;
}
