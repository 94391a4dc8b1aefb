#define _GNU_SOURCE
#include "marking.h"
#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "block-devices.h"
#include "file-systems.h"
#include "log.h"
#include "mark-log.h"
#include "retired.h"

int marking_add(struct marking *batch, int descriptor, unsigned long long ino)
{
	struct stat st;
	batch->descriptors[batch->count] = descriptor;
	struct inode_key *key = &batch->keys[batch->count++];
	if (fstat(descriptor, &st) || st.st_ino != ino)
		return EBADF;
	if (!S_ISREG(st.st_mode) || (fcntl(descriptor, F_GETFL) & O_ACCMODE) != O_RDONLY)
		return EINVAL;
	return key_of_descriptor(descriptor, key) ? errno : 0;
}

/* A read lease is the kernel's word that nobody has the inode open for writing, nor mapped writable and shared. */
static int lease(int descriptor, bool *ours)
{
	*ours = false;
	if (fcntl(descriptor, F_GETLEASE) == F_RDLCK)
		return 0;
	if (fcntl(descriptor, F_SETLEASE, F_RDLCK))
		return errno;
	*ours = true;
	return 0;
}

/* An opener is counted as a writer before it reaches the hook, so one that passed the hook just before the mark is
 * seen now: the kernel grants no lease beside a writer. Asked through a descriptor of its own, since the caller's lease
 * answers for the caller's. 0, EAGAIN with such an opener, or another errno. */
static int ask_again(int descriptor)
{
	char self[64];
	snprintf(self, sizeof(self), "/proc/self/fd/%d", descriptor);
	int fd = open(self, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return errno;
	int error = fcntl(fd, F_SETLEASE, F_RDLCK) ? errno : 0;
	close(fd); /* ends the lease */
	return error;
}

/* The kernel must refuse this. It also takes the inode's lock, so that a chmod that passed the hook before the mark
 * is over when it returns. */
static bool is_enforced(int descriptor)
{
	struct stat st;
	return fstat(descriptor, &st) == 0 && fchmod(descriptor, st.st_mode & 07777) != 0 && errno == EPERM;
}

static int guard_devices(const struct marking *batch, const struct programs *programs, unsigned long long *ino)
{
	int error = 0;
	for (size_t i = 0; i < batch->count && !error; i++)
		if (i == 0 || batch->keys[i].device != batch->keys[i - 1].device) {
			*ino = batch->keys[i].ino;
			error = block_devices_guard(programs, batch->keys[i].device);
		}
	return error;
}

/* What the log says of inodes that are not marked after all. Without this word it would mark them after a reboot. */
static void take_back(const struct marking *batch, const struct programs *programs)
{
	static struct inode_key unmarked[MARKING_MAX];
	struct guard_mark mark;
	size_t count = 0;
	for (size_t i = 0; i < batch->count; i++)
		if (bpf_map_lookup_elem(programs->marks, &batch->keys[i], &mark))
			unmarked[count++] = batch->keys[i];
	if (count && mark_log_append(unmarked, count, false))
		log_line("%zu files that nobody shares will be marked after a reboot: the log of marks takes no more, errno %d", count, errno);
}

/* A mark that was there already is nobody's to lift: it may have been shared through since it was set. */
static void make_permanent(const struct programs *programs, const struct inode_key *key)
{
	struct guard_mark mark;
	if (bpf_map_lookup_elem(programs->marks, key, &mark) == 0 && mark.requester) {
		mark.requester = 0;
		bpf_map_update_elem(programs->marks, key, &mark, BPF_EXIST);
	}
}

int marking_mark(struct marking *batch, struct programs *programs, __u32 requester, unsigned long long *ino)
{
	bool ours[MARKING_MAX], is_new[MARKING_MAX];
	size_t leased = 0, marked = 0;
	int error = 0;
	for (; leased < batch->count && !error; leased++) {
		*ino = batch->keys[leased].ino;
		error = lease(batch->descriptors[leased], &ours[leased]);
	}
	bool logged = false;
	if (error)
		leased--;
	else if (!(error = guard_devices(batch, programs, ino))) {
		logged = mark_log_append(batch->keys, batch->count, true) == 0;
		error = logged ? 0 : errno;
	}
	for (; marked < batch->count && !error; marked++) {
		*ino = batch->keys[marked].ino;
		is_new[marked] = programs_add_mark(programs, &batch->keys[marked], requester) == 0;
		if (!is_new[marked] && errno != EEXIST)
			error = errno;
		else if (!is_new[marked])
			make_permanent(programs, &batch->keys[marked]);
		if (!error)
			error = is_enforced(batch->descriptors[marked]) ? ask_again(batch->descriptors[marked]) : ENOTRECOVERABLE;
	}
	/* An inode that was marked before is shared by then, and stays guarded. */
	for (size_t i = 0; error && i < marked; i++)
		if (is_new[i])
			bpf_map_delete_elem(programs->marks, &batch->keys[i]);
	if (error && logged)
		take_back(batch, programs);
	for (size_t i = 0; i < leased; i++)
		if (ours[i])
			fcntl(batch->descriptors[i], F_SETLEASE, F_UNLCK);
	return error;
}

int marking_unmark(struct marking *batch, struct programs *programs, __u32 requester)
{
	static struct inode_key lifted[MARKING_MAX];
	size_t count = 0;
	for (size_t i = 0; i < batch->count; i++) {
		struct guard_mark mark;
		if (bpf_map_lookup_elem(programs->marks, &batch->keys[i], &mark) || mark.requester != requester)
			continue;
		bpf_map_delete_elem(programs->marks, &batch->keys[i]);
		lifted[count++] = batch->keys[i];
	}
	return count && mark_log_append(lifted, count, false) ? errno : 0;
}

void marking_retire(struct marking *batch)
{
	for (size_t i = 0; i < batch->count; i++)
		retire(&batch->keys[i]);
}

void marking_close(struct marking *batch)
{
	for (size_t i = 0; i < batch->count; i++)
		close(batch->descriptors[i]);
	batch->count = 0;
}

const char *marking_code(int error)
{
	switch (error) {
	case EAGAIN:
		return "busy";
	case ENOTRECOVERABLE:
		return "not-enforced";
	case EOPNOTSUPP:
		return "unsupported-file-system";
	case ENODEV:
		return "not-mounted";
	case ENOTBLK:
		return "unknown-device";
	case EINVAL:
		return "bad-request";
	case E2BIG:
	case ENOMEM:
		return "too-many-marks";
	}
	return strerrorname_np(error);
}
