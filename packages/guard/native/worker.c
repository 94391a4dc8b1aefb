#define _GNU_SOURCE
#include "worker.h"
#include <bpf/bpf.h>
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "clock.h"
#include "hold.h"
#include "journal.h"
#include "link-break.h"
#include "log.h"

#define QUEUE 1024 /* callers waiting for a copy; the next one is refused */
#define VERDICT_NS 1000000000ULL /* the caller fetches it microseconds later */
#define STOP_TIMEOUT_NS 1000000000ULL
#define STRAGGLERS 64

static struct job queue[QUEUE];
static unsigned head, length;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t filled = PTHREAD_COND_INITIALIZER;
static int answers;

struct worker {
	int slot;
	int stragglers[STRAGGLERS]; /* callers that did not reach their stop yet: a frozen control group */
	int straggler_count;
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
		.source = job->descriptor,
		.writer = job->event.kind == EVENT_OPEN,
		.slot = worker->slot,
	};
}

static void break_for(struct worker *worker, const struct job *job, struct break_result *result)
{
	const struct break_request request = request_of(worker, job);
	link_break(&request, &worker->buffers, result);
}

static void serve_open(struct worker *worker, const struct job *job)
{
	struct break_result result;
	break_for(worker, job, &result);
	answer(&job->event, ANSWER_RESULT, result.error ? -result.error : -ESTALE);
	hold_release(&job->event, job->descriptor);
	journal_break(&job->event, &result);
}

/* True once the caller stands still and was let go, or is no more. */
static bool let_go(int thread)
{
	int status;
	int waited = waitpid(thread, &status, __WALL | WNOHANG);
	if (waited == 0)
		return false;
	if (waited == thread && WIFSTOPPED(status))
		ptrace(PTRACE_DETACH, thread, 0, 0);
	return true;
}

static void wait_for_stop(struct worker *worker, int thread)
{
	unsigned long long until = monotonic_ns() + STOP_TIMEOUT_NS;
	struct timespec pause = { 0, 20000 };
	while (!let_go(thread)) {
		if (monotonic_ns() > until) {
			if (worker->straggler_count < STRAGGLERS)
				worker->stragglers[worker->straggler_count++] = thread;
			return;
		}
		nanosleep(&pause, NULL);
		if (pause.tv_nsec < 1000000)
			pause.tv_nsec *= 2;
	}
}

/* The inode is locked while its metadata change is in the kernel, and the rename of a break needs that lock. So
 * the call is taken back: ptrace stops the caller on its way to user mode, its system call is restarted when it is
 * let go, and walks the path to the private copy. No signal is involved, nobody's wait() sees it. */
static void serve_metadata(struct worker *worker, const struct job *job)
{
	int thread = (int)(__u32)job->event.task;
	struct break_result result = { .error = EPERM };
	if (ptrace(PTRACE_SEIZE, thread, 0, 0)) {
		/* A debugger has it already: there is one tracer at most. */
		answer(&job->event, ANSWER_RESULT, -EPERM);
		journal_break(&job->event, &result);
		return;
	}
	if (ptrace(PTRACE_INTERRUPT, thread, 0, 0)) {
		answer(&job->event, ANSWER_RESULT, -EPERM);
		return;
	}
	answer(&job->event, ANSWER_RESTART, 0);
	crash_point("restart");
	break_for(worker, job, &result);
	/* The name leads elsewhere already. Should the caller still reach the shared inode (a mount of the file
	 * itself, an overlay above it), nothing can be broken for it: refuse instead of restarting for ever. */
	if (result.error)
		answer(&job->event, ANSWER_RESULT, result.error == ESTALE ? -EPERM : -result.error);
	wait_for_stop(worker, thread);
	journal_break(&job->event, &result);
}

static void *work(void *argument)
{
	struct worker *worker = argument;
	for (;;) {
		pthread_mutex_lock(&lock);
		while (length == 0) {
			struct timespec soon;
			clock_gettime(CLOCK_REALTIME, &soon);
			soon.tv_sec++;
			pthread_cond_timedwait(&filled, &lock, &soon);
			if (length == 0 && worker->straggler_count)
				break;
		}
		struct job job;
		bool have = length > 0;
		if (have) {
			job = queue[head];
			head = (head + 1) % QUEUE;
			length--;
		}
		pthread_mutex_unlock(&lock);
		for (int i = worker->straggler_count - 1; i >= 0; i--)
			if (let_go(worker->stragglers[i]))
				worker->stragglers[i] = worker->stragglers[--worker->straggler_count];
		if (!have)
			continue;
		if (job.event.kind == EVENT_OPEN)
			serve_open(worker, &job);
		else if (job.event.kind == EVENT_METADATA)
			serve_metadata(worker, &job);
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
