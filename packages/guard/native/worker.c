#define _GNU_SOURCE
#include "worker.h"
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include "answers.h"
#include "clock.h"
#include "hold.h"
#include "journal.h"
#include "link-break.h"

/* Jobs of one guest that may wait; the next caller is refused. As many as may wait in the hooks: a guest comes to more only
 * by callers that are held. */
#define QUEUE_OF_GUEST 256
#define ALONE_OF_GUEST 64 /* nobody waits for these: they leave room */
/* A disk that takes longer for one step of a copy (16 MB, or a flush of the whole) is taken for hung. */
#define STUCK_NS 120000000000ULL

static struct fair_queue queue;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t filled = PTHREAD_COND_INITIALIZER;
static _Atomic unsigned long long stepped; /* when some worker last did */
static int busy;

struct worker {
	int slot;
	struct copy_buffers buffers;
};
static struct worker workers[WORKERS];

bool workers_submit(const struct job *job)
{
	pthread_mutex_lock(&lock);
	bool room = fair_queue_push(&queue, job, job->event.kind == EVENT_ALONE ? ALONE_OF_GUEST : QUEUE_OF_GUEST);
	if (room)
		pthread_cond_signal(&filled);
	pthread_mutex_unlock(&lock);
	return room;
}

void worker_steps(void)
{
	stepped = monotonic_ns();
}

bool workers_make_progress(void)
{
	pthread_mutex_lock(&lock);
	bool waits = queue.length > 0 && busy == WORKERS;
	pthread_mutex_unlock(&lock);
	return !waits || monotonic_ns() < stepped + STUCK_NS;
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
		answer_waiting(&job->event, result.error ? -result.error : -ESTALE);
	else {
		/* Its hook has taken the first answer by the time it stops. One that does not is no more, or frozen: it asks again. */
		if (result.error && hold_wait_for_stop(request.held))
			answer(&job->event, ANSWER_RESULT, result.error == ESTALE ? -EPERM : -result.error);
		hold_release(request.held);
	}
	journal_break(job, &result);
}

static void *work(void *argument)
{
	struct worker *worker = argument;
	for (;;) {
		struct job job;
		pthread_mutex_lock(&lock);
		while (!fair_queue_take(&queue, WORKERS_OF_GUEST, &job))
			pthread_cond_wait(&filled, &lock);
		busy++;
		pthread_mutex_unlock(&lock);
		worker_steps();
		if (job.event.kind != EVENT_ALONE)
			serve(worker, &job);
		else {
			const struct break_request request = request_of(worker, &job);
			if (link_drop_if_alone(&request))
				journal_note(&job.event);
		}
		pthread_mutex_lock(&lock);
		busy--;
		fair_queue_done(&queue, job.event.guest);
		pthread_cond_signal(&filled); /* another of this guest may run now */
		pthread_mutex_unlock(&lock);
	}
	return NULL;
}

int workers_start(void)
{
	fair_queue_start(&queue);
	for (int i = 0; i < WORKERS; i++) {
		pthread_t thread;
		workers[i].slot = i;
		if ((errno = pthread_create(&thread, NULL, work, &workers[i])))
			return -1;
		pthread_detach(thread);
	}
	return 0;
}
