#define _GNU_SOURCE
#include "hold.h"
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <sys/ptrace.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "clock.h"
#include "fair-queue.h"
#include "log.h"
#include "patience.h"

#define TRACERS 4      /* a guest whose attempts block delays, within its patience, those that share its thread */
#define HELD 1024      /* a tracer's */
#define HELD_OF_GUEST 300 /* more than of its jobs can wait; the rest are callers in control groups that it froze */
#define ASKED 256      /* of one guest, waiting to be held: as many as may wait in the hooks */
#define STOP_TIMEOUT_S 1
#define HOLD_TRIES 2   /* the first may have ended because this thread got no CPU */
#define TURN_MS 250    /* a tracer goes round at least this often */
#define STUCK_NS 1500000000ULL /* six turns missed */

struct held {
	__u64 guest;
	int thread; /* 0: free */
	int signal; /* to be delivered when it is let go */
	bool stopped;
	bool released;
};

static struct tracer {
	pthread_mutex_t lock; /* never held while anything can block */
	struct held table[HELD];
	int highest; /* entries in use lie below */
	struct fair_queue asked;
	int wake;
	_Atomic unsigned long long turned; /* when it last went round */
	struct patience patience;
} tracers[TRACERS];
static pthread_mutex_t moved_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t moved = PTHREAD_COND_INITIALIZER;
static unsigned long long moves;
static int ends = -1;
static hold_result tell;

static void wake(const struct tracer *tracer)
{
	const uint64_t one = 1;
	if (write(tracer->wake, &one, sizeof(one)) < 0)
		return; /* full: it is readable already */
}

static struct tracer *tracer_of(__u64 guest)
{
	return &tracers[guest * 0x9E3779B97F4A7C15ULL >> 32 & (TRACERS - 1)];
}

/* Under the lock. */
static struct held *find(struct tracer *tracer, int thread)
{
	for (int i = 0; i < tracer->highest; i++)
		if (tracer->table[i].thread == thread)
			return &tracer->table[i];
	return NULL;
}

/* Only the tracer itself takes entries, so what is free stays free until it does. -1: none for this guest. */
static int free_entry(struct tracer *tracer, __u64 guest)
{
	int found = -1, of_guest = 0;
	pthread_mutex_lock(&tracer->lock);
	for (int i = 0; i <= tracer->highest && i < HELD; i++)
		if (!tracer->table[i].thread)
			found = i;
		else
			of_guest += tracer->table[i].guest == guest;
	pthread_mutex_unlock(&tracer->lock);
	return of_guest < HELD_OF_GUEST ? found : -1;
}

/* Under the lock. */
static void forget(struct tracer *tracer, struct held *held)
{
	held->thread = 0;
	while (tracer->highest > 0 && !tracer->table[tracer->highest - 1].thread)
		tracer->highest--;
}

static __thread sigjmp_buf out_of_patience;
static __thread volatile sig_atomic_t seizing;

static void on_alarm(int signal)
{
	(void)signal;
	if (seizing)
		siglongjmp(out_of_patience, 1);
}

/* Whether the thread is a tracee of this one, dead or alive. */
static bool is_ours(int thread)
{
	siginfo_t ignored;
	return waitid(P_PID, (id_t)thread, &ignored, WEXITED | WSTOPPED | WNOHANG | WNOWAIT | __WALL | __WNOTHREAD) == 0;
}

/* The kernel starts an interrupted PTRACE_SEIZE again by itself: the way out is a jump. It may have gone through just
 * before, so the kernel is asked. */
static bool seize(int thread, timer_t timer, bool *blocked)
{
	const struct itimerspec limit = { .it_value = { 0, HOLD_PATIENCE_MS * 1000000L } }, off = { 0 };
	bool seized;
	if (sigsetjmp(out_of_patience, 1) == 0) {
		timer_settime(timer, 0, &limit, NULL);
		seizing = 1;
		seized = ptrace(PTRACE_SEIZE, thread, 0, 0) == 0;
		seizing = 0;
		*blocked = false;
	} else {
		seizing = 0;
		*blocked = true;
		seized = is_ours(thread);
	}
	timer_settime(timer, 0, &off, NULL);
	if (seized)
		ptrace(PTRACE_INTERRUPT, thread, 0, 0); /* fails only for one that is ending, which is collected */
	return seized;
}

static bool take(struct tracer *tracer, const struct guard_event *event, timer_t timer)
{
	int thread = (int)(__u32)event->task, process = (int)(event->task >> 32), index = free_entry(tracer, event->guest);
	bool blocked = true, seized = false;
	if (index < 0 || !patience_has(&tracer->patience, event->guest, process, monotonic_ns()))
		return false;
	crash_point("seizing");
	for (int tries = 0; tries < HOLD_TRIES && blocked && !seized; tries++)
		seized = seize(thread, timer, &blocked);
	if (!seized) {
		if (blocked)
			patience_lose(&tracer->patience, event->guest, process, monotonic_ns());
		return false;
	}
	pthread_mutex_lock(&tracer->lock);
	tracer->table[index] = (struct held){ .guest = event->guest, .thread = thread };
	if (index >= tracer->highest)
		tracer->highest = index + 1;
	pthread_mutex_unlock(&tracer->lock);
	return true;
}

/* Under the lock. False when it is traced no more. It is asked in every state: one that is killed while it stands still
 * wakes up, ends, and stays a zombie until its tracer has heard of it. */
static bool is_traced(struct held *held)
{
	int status;
	int waited = waitpid(held->thread, &status, __WALL | WNOHANG);
	if (waited == 0)
		return true;
	if (waited < 0 || !WIFSTOPPED(status))
		return false; /* it ended; its real parent learns that next */
	held->stopped = true;
	held->signal = status >> 16 == PTRACE_EVENT_STOP ? 0 : WSTOPSIG(status);
	return true;
}

/* Takes note of stops and ends, lets go whoever was released. */
static void collect(struct tracer *tracer)
{
	pthread_mutex_lock(&tracer->lock);
	for (int i = tracer->highest - 1; i >= 0; i--) {
		struct held *held = &tracer->table[i];
		if (!held->thread)
			continue;
		/* Detaching fails for one that was killed just now: it is kept until its end is collected. */
		if (!is_traced(held) || (held->stopped && held->released && ptrace(PTRACE_DETACH, held->thread, 0, held->signal) == 0))
			forget(tracer, held);
	}
	pthread_mutex_unlock(&tracer->lock);
	pthread_mutex_lock(&moved_lock);
	moves++;
	pthread_cond_broadcast(&moved);
	pthread_mutex_unlock(&moved_lock);
}

static bool next_asked(struct tracer *tracer, struct job *job)
{
	pthread_mutex_lock(&tracer->lock);
	bool some = fair_queue_take(&tracer->asked, 1, job);
	if (some)
		fair_queue_done(&tracer->asked, job->event.guest);
	pthread_mutex_unlock(&tracer->lock);
	return some;
}

static void *trace(void *argument)
{
	struct tracer *tracer = argument;
	struct sigevent alarm = { .sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGALRM };
	alarm._sigev_un._tid = gettid();
	timer_t timer;
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGALRM);
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
	if (timer_create(CLOCK_MONOTONIC, &alarm, &timer)) {
		log_line("no timer for holding callers: errno %d", errno);
		return NULL; /* shows as a thread that makes no progress: the guard refuses */
	}
	for (;;) {
		struct pollfd polled = { .fd = tracer->wake, .events = POLLIN };
		struct job job;
		uint64_t count;
		poll(&polled, 1, TURN_MS);
		if (read(tracer->wake, &count, sizeof(count)) < 0)
			count = 0;
		tracer->turned = monotonic_ns();
		collect(tracer);
		while (next_asked(tracer, &job)) {
			tell(&job.event, take(tracer, &job.event, timer));
			tracer->turned = monotonic_ns();
			collect(tracer);
		}
	}
}

int hold_start(hold_result result)
{
	const struct sigaction action = { .sa_handler = on_alarm };
	sigset_t set;
	tell = result;
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigaddset(&set, SIGALRM);
	if (sigaction(SIGALRM, &action, NULL) || sigprocmask(SIG_BLOCK, &set, NULL))
		return -1;
	sigdelset(&set, SIGALRM);
	ends = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (ends < 0)
		return -1;
	for (int i = 0; i < TRACERS; i++) {
		struct tracer *tracer = &tracers[i];
		pthread_t thread;
		pthread_mutex_init(&tracer->lock, NULL);
		fair_queue_start(&tracer->asked);
		tracer->turned = monotonic_ns();
		tracer->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		if (tracer->wake < 0 || (errno = pthread_create(&thread, NULL, trace, tracer)))
			return -1;
		pthread_detach(thread);
	}
	return 0;
}

int hold_descriptor(void)
{
	return ends;
}

void hold_notice(void)
{
	struct signalfd_siginfo ignored[16];
	while (read(ends, ignored, sizeof(ignored)) > 0)
		;
	for (int i = 0; i < TRACERS; i++)
		wake(&tracers[i]);
}

bool hold_ask(const struct guard_event *event)
{
	const struct job job = { .event = *event };
	struct tracer *tracer = tracer_of(event->guest);
	pthread_mutex_lock(&tracer->lock);
	bool room = fair_queue_push(&tracer->asked, &job, ASKED);
	pthread_mutex_unlock(&tracer->lock);
	if (room)
		wake(tracer);
	return room;
}

void hold_release(int thread)
{
	for (int i = 0; i < TRACERS; i++) {
		struct tracer *tracer = &tracers[i];
		pthread_mutex_lock(&tracer->lock);
		struct held *held = find(tracer, thread);
		if (held)
			held->released = true;
		pthread_mutex_unlock(&tracer->lock);
		if (held)
			wake(tracer);
	}
}

static bool find_stopped(int thread, bool *stopped)
{
	bool found = false;
	*stopped = false;
	for (int i = 0; i < TRACERS && !found; i++) {
		pthread_mutex_lock(&tracers[i].lock);
		const struct held *held = find(&tracers[i], thread);
		found = held != NULL;
		*stopped = held && held->stopped;
		pthread_mutex_unlock(&tracers[i].lock);
	}
	return found;
}

bool hold_wait_for_stop(int thread)
{
	struct timespec until;
	bool stopped, late = false;
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += STOP_TIMEOUT_S;
	for (;;) {
		pthread_mutex_lock(&moved_lock);
		unsigned long long seen = moves;
		pthread_mutex_unlock(&moved_lock);
		if (!find_stopped(thread, &stopped) || stopped || late)
			return stopped;
		pthread_mutex_lock(&moved_lock);
		while (moves == seen && !late)
			late = pthread_cond_timedwait(&moved, &moved_lock, &until) != 0;
		pthread_mutex_unlock(&moved_lock);
	}
}

bool hold_makes_progress(void)
{
	unsigned long long now = monotonic_ns();
	for (int i = 0; i < TRACERS; i++)
		if (now > tracers[i].turned + STUCK_NS)
			return false;
	return true;
}
