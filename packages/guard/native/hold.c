#define _GNU_SOURCE
#include "hold.h"
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/fanotify.h>
#include <sys/stat.h>
#include <unistd.h>
#include "clock.h"
#include "file-systems.h"
#include "log.h"
#include "worker.h"

#define EXPECTED 1024 /* openers between the two hooks or being copied for; the next one is refused */
#define EXPECTED_NS 5000000000ULL

static struct expected {
	struct guard_event event;
	unsigned long long since;
	bool used;
	bool came;
} table[EXPECTED];
static int highest; /* entries in use lie below */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int fan = -1;

int hold_start(void)
{
	fan = fanotify_init(FAN_CLASS_CONTENT | FAN_CLOEXEC | FAN_NONBLOCK | FAN_UNLIMITED_QUEUE | FAN_UNLIMITED_MARKS | FAN_REPORT_TID,
			    O_RDONLY | O_LARGEFILE | O_CLOEXEC | O_NOATIME);
	return fan;
}

static int watch(const struct inode_key *inode, unsigned flags)
{
	char path[64];
	int fd = open_inode(inode, O_PATH);
	if (fd < 0)
		return errno;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	int error = fanotify_mark(fan, flags, FAN_OPEN_PERM, AT_FDCWD, path) ? errno : 0;
	close(fd);
	return error;
}

/* Under the lock. */
static bool is_awaited(const struct inode_key *inode)
{
	for (int i = 0; i < highest; i++)
		if (table[i].used && same_inode(&table[i].event.inode, inode))
			return true;
	return false;
}

static void forget(int index)
{
	table[index].used = false;
	while (highest > 0 && !table[highest - 1].used)
		highest--;
}

int hold_expect(const struct guard_event *event)
{
	pthread_mutex_lock(&lock);
	int error = ENOSPC, free_index = -1;
	for (int i = 0; i < EXPECTED && free_index < 0; i++)
		if (!table[i].used)
			free_index = i;
	if (free_index >= 0 && !(error = is_awaited(&event->inode) ? 0 : watch(&event->inode, FAN_MARK_ADD))) {
		table[free_index] = (struct expected){ .event = *event, .since = monotonic_ns(), .used = true };
		if (free_index >= highest)
			highest = free_index + 1;
	}
	pthread_mutex_unlock(&lock);
	return error;
}

static void respond(int descriptor, unsigned response)
{
	struct fanotify_response answer = { .fd = descriptor, .response = response };
	if (write(fan, &answer, sizeof(answer)) < 0 && errno != ENOENT) /* ENOENT: the opener was killed */
		log_line("fanotify took no answer: errno %d", errno);
	close(descriptor);
}

static void dispatch(int descriptor, int thread)
{
	struct job job = { .descriptor = descriptor };
	bool expected = false;
	struct stat st;
	if (fstat(descriptor, &st))
		st.st_ino = 0;
	pthread_mutex_lock(&lock);
	for (int i = 0; i < highest && !expected; i++)
		if (table[i].used && !table[i].came && (int)(__u32)table[i].event.task == thread &&
		    table[i].event.inode.ino == st.st_ino) {
			table[i].came = expected = true;
			job.event = table[i].event;
		}
	pthread_mutex_unlock(&lock);
	if (!expected)
		respond(descriptor, FAN_ALLOW); /* a reader, or an opener that file_post_open sends back */
	else if (!workers_submit(&job)) {
		answer(&job.event, ANSWER_RESULT, -EPERM);
		hold_release(&job.event, descriptor);
	}
}

void hold_read(void)
{
	char buffer[16 << 10];
	for (;;) {
		ssize_t length = read(fan, buffer, sizeof(buffer));
		if (length <= 0)
			return;
		struct fanotify_event_metadata *event = (void *)buffer;
		for (; FAN_EVENT_OK(event, length); event = FAN_EVENT_NEXT(event, length))
			if (event->fd >= 0)
				dispatch(event->fd, event->pid);
	}
}

void hold_release(const struct guard_event *event, int descriptor)
{
	pthread_mutex_lock(&lock);
	for (int i = 0; i < highest; i++)
		if (table[i].used && table[i].event.task == event->task)
			forget(i);
	if (!is_awaited(&event->inode)) {
		char path[64];
		snprintf(path, sizeof(path), "/proc/self/fd/%d", descriptor);
		fanotify_mark(fan, FAN_MARK_REMOVE, FAN_OPEN_PERM, AT_FDCWD, path);
	}
	pthread_mutex_unlock(&lock);
	respond(descriptor, FAN_ALLOW);
}

void hold_expire(void)
{
	unsigned long long now = monotonic_ns();
	pthread_mutex_lock(&lock);
	for (int i = highest - 1; i >= 0; i--) {
		if (!table[i].used || table[i].came || now - table[i].since < EXPECTED_NS)
			continue;
		struct inode_key inode = table[i].event.inode;
		forget(i);
		if (!is_awaited(&inode))
			watch(&inode, FAN_MARK_REMOVE);
	}
	pthread_mutex_unlock(&lock);
}
