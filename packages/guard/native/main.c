/* samepage-guardd: copies a shared file for whoever is about to change it, while the kernel lets the caller wait.
 *
 *   samepage-guardd --state DIR --socket PATH     serve; both from the root on
 *   samepage-guardd --probe                       can this kernel load the programs? prints the mode, or why not
 */
#define _GNU_SOURCE
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <unistd.h>
#include "answers.h"
#include "clock.h"
#include "control.h"
#include "file-systems.h"
#include "hold.h"
#include "link-break.h"
#include "journal.h"
#include "log.h"
#include "mark-log.h"
#include "service-manager.h"
#include "worker.h"

#define BEAT_NS 250000000 /* the programs call it dead after 2 s */
#define LOCK_TRIES 40
#define LOCK_PAUSE_US 50000

static struct programs programs;

/* Has the caller start its call again if it is held, else wait where it is. A metadata change cannot wait: its hook holds
 * the lock that the break needs. */
static void on_caller(const struct guard_event *event, bool held)
{
	const struct job job = { .event = *event, .held = held };
	bool refused = !held && event->kind == EVENT_METADATA;
	if (refused) {
		const struct break_result result = { .error = EPERM };
		journal_break(&job, &result);
	}
	else
		answer(event, held ? ANSWER_RESTART : ANSWER_WAIT, 0);
	crash_point("taken");
	if (refused || !workers_submit(&job)) {
		answer(event, ANSWER_RESULT, -EPERM);
		if (held)
			hold_release((int)(__u32)event->task);
	}
}

static int on_event(void *unused, void *data, size_t size)
{
	(void)unused;
	const struct guard_event *event = data;
	if (size < sizeof(*event))
		return 0;
	if (!event->can_restart || !hold_ask(event))
		on_caller(event, false);
	return 0;
}

static int on_note(void *unused, void *data, size_t size)
{
	(void)unused;
	const struct guard_event *event = data;
	if (size < sizeof(*event))
		return 0;
	if (event->kind == EVENT_ALONE) {
		const struct job job = { .event = *event };
		workers_submit(&job); /* nobody waits for it; the next refusal asks again */
	} else
		journal_note(event);
	return 0;
}

/* Two daemons would take each other's socket and answer each other's callers. Held until the process ends. */
static bool is_alone(const char *state_directory)
{
	char path[PATH_MAX];
	snprintf(path, sizeof(path), "%s/lock", state_directory);
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	/* One that was killed just now holds it until the kernel has taken it apart. */
	for (int tries = 0; fd >= 0 && tries < LOCK_TRIES; tries++) {
		if (flock(fd, LOCK_EX | LOCK_NB) == 0)
			return true;
		usleep(LOCK_PAUSE_US);
	}
	return false;
}

/* With CAP_SYS_RESOURCE a copy would pass the hard limits of its owner's quota (ext4's and XFS's dquot.c ask for it).
 * Nothing below needs it. */
static void drop_quota_exemption(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3];
	if (syscall(SYS_capget, &header, sets))
		return;
	sets[0].effective &= ~(1U << CAP_SYS_RESOURCE);
	sets[0].permitted &= ~(1U << CAP_SYS_RESOURCE);
	sets[0].inheritable &= ~(1U << CAP_SYS_RESOURCE);
	if (syscall(SYS_capset, &header, sets))
		log_line("CAP_SYS_RESOURCE stays (errno %d): copies may pass quotas", errno);
}

static int serve(const char *state_directory, const char *socket_path)
{
	if (mkdir(state_directory, 0700) && errno != EEXIST) {
		log_line("%s: errno %d", state_directory, errno);
		return 1;
	}
	if (!is_alone(state_directory)) {
		log_line("%s: another guard has its lock, or it cannot be locked: errno %d", state_directory, errno);
		return 1;
	}
	int mounts = file_systems_start();
	if (mounts < 0 || programs_start(&programs))
		return 1;
	struct ring_buffer *ring = ring_buffer__new(programs.events, on_event, NULL, NULL);
	struct ring_buffer *notes = ring_buffer__new(programs.notes, on_note, NULL, NULL);
	int timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
	const struct itimerspec beat = { { 0, BEAT_NS }, { 0, BEAT_NS } };
	if (hold_start(on_caller) || !ring || !notes || timer < 0 || timerfd_settime(timer, 0, &beat, NULL)) {
		log_line("ring buffers, timer or signals: errno %d", errno);
		return 1;
	}
	/* Callers of a daemon before this one have given up by now: their events and answers are for nobody. */
	answers_start(programs.answers);
	if (journal_start(state_directory) || mark_log_open(state_directory) || link_break_start(state_directory, programs.replacing) ||
	    workers_start()) {
		log_line("%s: errno %d", state_directory, errno);
		return 1;
	}
	/* From here on callers are served, whatever the marks that are in force already: the control thread goes through the
	 * log, which takes long, before the socket exists. Whoever finds it may count on every mark. */
	programs.state->resident = (__u64)programs.state; /* the kernel's own memory */
	programs.state->daemon = (__u32)getpid();
	programs.state->heartbeat = monotonic_ns(); /* last: a fresh beat never vouches for the number of another process */
	if (control_start(socket_path, &programs, mounts)) {
		log_line("%s: errno %d", socket_path, errno);
		return 1;
	}
	bool stuck = false;
	for (;;) {
		struct pollfd polled[] = { { .fd = ring_buffer__epoll_fd(ring), .events = POLLIN }, { .fd = timer, .events = POLLIN },
					   { .fd = hold_descriptor(), .events = POLLIN }, { .fd = ring_buffer__epoll_fd(notes), .events = POLLIN } };
		if (poll(polled, 4, -1) < 0 && errno != EINTR)
			return 1;
		if (polled[0].revents)
			ring_buffer__consume(ring);
		if (polled[2].revents)
			hold_notice();
		if (polled[3].revents)
			ring_buffer__consume(notes);
		__u64 ticks;
		if (!polled[1].revents || read(timer, &ticks, sizeof(ticks)) < 0)
			continue;
		/* Only here, and only while those who do the work get on with it: else callers are refused at once, and the
		 * service manager starts the guard anew. */
		bool proved = hold_makes_progress() && workers_make_progress();
		if (proved) {
			programs.state->heartbeat = monotonic_ns();
			service_manager_tell("WATCHDOG=1");
		}
		if (proved == stuck)
			log_line(proved ? "working again" : "a thread is stuck: shared files are not written until it goes on");
		stuck = !proved;
		answers_sweep();
	}
}

int main(int count, char **arguments)
{
	const char *state_directory = NULL, *socket_path = NULL;
	const struct rlimit files = { 65536, 65536 };
	for (int i = 1; i < count; i++) {
		if (!strcmp(arguments[i], "--probe")) {
			if (programs_probe())
				return 1;
			puts(kernel_mode() == MODE_COPY ? "copy" : "deny");
			return 0;
		}
		if (!strcmp(arguments[i], "--state") && i + 1 < count)
			state_directory = arguments[++i];
		else if (!strcmp(arguments[i], "--socket") && i + 1 < count)
			socket_path = arguments[++i];
	}
	if (!state_directory || !socket_path || *state_directory != '/' || *socket_path != '/') {
		log_line("usage: samepage-guardd --state /DIR --socket /PATH | --probe");
		return 2;
	}
	if (chdir("/")) /* whoever started it stood anywhere: that file system could not be unmounted */
		return 1;
	signal(SIGPIPE, SIG_IGN);
	setrlimit(RLIMIT_NOFILE, &files);
	service_manager_start();
	drop_quota_exemption();
	/* Callers wait for this process: it goes before what else wants the CPU, and is never paged out. */
	setpriority(PRIO_PROCESS, 0, -20);
	if (mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT))
		log_line("memory cannot be locked: errno %d", errno);
	return serve(state_directory, socket_path);
}
