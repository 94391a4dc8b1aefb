#define _GNU_SOURCE
#include "marking.h"
#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "file-systems.h"
#include "mark-log.h"

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

static void allow_device(struct programs *programs, __u32 device)
{
	__u32 block = block_device_of(device), one = 1;
	if (block)
		bpf_map_update_elem(programs->devices, &block, &one, BPF_ANY);
}

int marking_mark(struct marking *batch, struct programs *programs, unsigned long long *ino)
{
	bool ours[MARKING_MAX], is_new[MARKING_MAX];
	size_t leased = 0, marked = 0;
	int error = 0;
	for (; leased < batch->count && !error; leased++) {
		*ino = batch->keys[leased].ino;
		error = lease(batch->descriptors[leased], &ours[leased]);
	}
	if (error)
		leased--;
	else if (mark_log_append(batch->keys, batch->count, true))
		error = errno;
	for (; marked < batch->count && !error; marked++) {
		*ino = batch->keys[marked].ino;
		allow_device(programs, batch->keys[marked].device);
		is_new[marked] = programs_add_mark(programs, &batch->keys[marked]) == 0;
		if (!is_new[marked] && errno != EEXIST)
			error = errno;
		else
			error = is_enforced(batch->descriptors[marked]) ? ask_again(batch->descriptors[marked]) : ENOTRECOVERABLE;
	}
	/* An inode that was marked before is shared by then, and stays guarded. */
	for (size_t i = 0; error && i < marked; i++)
		if (is_new[i]) {
			bpf_map_delete_elem(programs->marks, &batch->keys[i]);
			mark_log_append(&batch->keys[i], 1, false);
		}
	for (size_t i = 0; i < leased; i++)
		if (ours[i])
			fcntl(batch->descriptors[i], F_SETLEASE, F_UNLCK);
	return error;
}

int marking_unmark(struct marking *batch, struct programs *programs)
{
	for (size_t i = 0; i < batch->count; i++)
		bpf_map_delete_elem(programs->marks, &batch->keys[i]);
	return batch->count && mark_log_append(batch->keys, batch->count, false) ? errno : 0;
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
	case EINVAL:
		return "bad-request";
	case E2BIG:
	case ENOMEM:
		return "too-many-marks";
	}
	return strerrorname_np(error);
}
