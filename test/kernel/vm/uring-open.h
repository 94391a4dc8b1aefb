/* An open by io_uring, done by this process and without liburing. */
#ifndef URING_OPEN_H
#define URING_OPEN_H

#include <errno.h>
#include <fcntl.h>
#include <linux/io_uring.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

static int uring_open(const char *path, int flags)
{
	struct io_uring_params parameters = { 0 };
	int ring = (int)syscall(SYS_io_uring_setup, 4, &parameters);
	if (ring < 0)
		return -1;
	size_t ring_bytes = parameters.sq_off.array + parameters.sq_entries * 4, cq_bytes = parameters.cq_off.cqes + parameters.cq_entries * sizeof(struct io_uring_cqe);
	char *sq = mmap(NULL, ring_bytes > cq_bytes ? ring_bytes : cq_bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, ring, IORING_OFF_SQ_RING);
	struct io_uring_sqe *entries = mmap(NULL, parameters.sq_entries * sizeof(*entries), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, ring, IORING_OFF_SQES);
	memset(entries, 0, sizeof(*entries));
	entries->opcode = IORING_OP_OPENAT;
	entries->fd = AT_FDCWD;
	entries->addr = (unsigned long)path;
	entries->open_flags = (unsigned)flags;
	((unsigned *)(sq + parameters.sq_off.array))[0] = 0;
	__atomic_store_n((unsigned *)(sq + parameters.sq_off.tail), 1, __ATOMIC_RELEASE);
	syscall(SYS_io_uring_enter, ring, 1, 1, IORING_ENTER_GETEVENTS, NULL, 0);
	struct io_uring_cqe *done = (void *)(sq + parameters.cq_off.cqes);
	int result = done[0].res;
	munmap(sq, ring_bytes > cq_bytes ? ring_bytes : cq_bytes);
	munmap(entries, parameters.sq_entries * sizeof(*entries));
	close(ring);
	if (result < 0) {
		errno = -result;
		return -1;
	}
	return result;
}

#endif
