#define _GNU_SOURCE
#include "hold.h"
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <sys/ptrace.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define HELD 2048 /* more than jobs can wait; the rest are callers in frozen control groups */
#define STOP_TIMEOUT_S 1

static struct held {
	int thread; /* 0: free */
	int signal; /* to be delivered when it is let go */
	bool stopped;
	bool released;
} table[HELD];
static int highest; /* entries in use lie below */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t moved = PTHREAD_COND_INITIALIZER;
static int stops = -1, releases = -1;

int hold_start(void)
{
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	stops = sigprocmask(SIG_BLOCK, &set, NULL) ? -1 : signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	releases = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return stops < 0 || releases < 0 ? -1 : 0;
}

void hold_descriptors(int descriptors[HOLD_DESCRIPTORS])
{
	descriptors[0] = stops;
	descriptors[1] = releases;
}

/* Under the lock. */
static struct held *find(int thread)
{
	for (int i = 0; i < highest; i++)
		if (table[i].thread == thread)
			return &table[i];
	return NULL;
}

/* Under the lock. */
static struct held *take_entry(void)
{
	for (int i = 0; i < HELD; i++)
		if (!table[i].thread) {
			if (i >= highest)
				highest = i + 1;
			return &table[i];
		}
	return NULL;
}

/* Under the lock. */
static void forget(struct held *held)
{
	held->thread = 0;
	while (highest > 0 && !table[highest - 1].thread)
		highest--;
}

bool hold_take(int thread)
{
	pthread_mutex_lock(&lock);
	struct held *held = take_entry();
	bool seized = held && ptrace(PTRACE_SEIZE, thread, 0, 0) == 0;
	if (seized) {
		ptrace(PTRACE_INTERRUPT, thread, 0, 0); /* fails only for one that is ending, which is collected */
		*held = (struct held){ .thread = thread };
	} else if (held)
		forget(held);
	pthread_mutex_unlock(&lock);
	return seized;
}

void hold_release(int thread)
{
	const uint64_t one = 1;
	pthread_mutex_lock(&lock);
	struct held *held = find(thread);
	if (held)
		held->released = true;
	pthread_mutex_unlock(&lock);
	if (held && write(releases, &one, sizeof(one)) < 0)
		return; /* full: it is readable already */
}

bool hold_wait_for_stop(int thread)
{
	struct timespec until;
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += STOP_TIMEOUT_S;
	pthread_mutex_lock(&lock);
	struct held *held;
	while ((held = find(thread)) && !held->stopped)
		if (pthread_cond_timedwait(&moved, &lock, &until))
			break;
	bool stopped = (held = find(thread)) && held->stopped;
	pthread_mutex_unlock(&lock);
	return stopped;
}

/* Under the lock. Whether the thread is still traced; takes note of its stop. */
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

void hold_collect(void)
{
	struct signalfd_siginfo ignored[16];
	uint64_t count;
	while (read(stops, ignored, sizeof(ignored)) > 0)
		;
	if (read(releases, &count, sizeof(count)) < 0)
		count = 0;
	pthread_mutex_lock(&lock);
	for (int i = highest - 1; i >= 0; i--) {
		struct held *held = &table[i];
		if (!held->thread)
			continue;
		bool traced = held->stopped || is_traced(held);
		if (traced && held->stopped && held->released) {
			ptrace(PTRACE_DETACH, held->thread, 0, held->signal);
			traced = false;
		}
		if (!traced)
			forget(held);
	}
	pthread_cond_broadcast(&moved);
	pthread_mutex_unlock(&lock);
}
