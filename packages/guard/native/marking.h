/* Marks inodes: all of a batch, proved in force, or none. */
#ifndef SAMEPAGE_MARKING_H
#define SAMEPAGE_MARKING_H

#include <stddef.h>
#include "programs.h"

#define MARKING_MAX 1024

struct marking {
	size_t count;
	int descriptors[MARKING_MAX];
	struct inode_key keys[MARKING_MAX];
};

/* Takes the descriptor, whatever happens. 0 or an errno: EBADF (not that inode), EINVAL (not a regular file). */
int marking_add(struct marking *batch, int descriptor, unsigned long long ino);

/* 0 or an errno, with the inode concerned and nothing of the batch left marked: EAGAIN when an inode is open for
 * writing, ENOTRECOVERABLE when the kernel does not enforce a mark. */
int marking_mark(struct marking *batch, struct programs *programs, unsigned long long *ino);

int marking_unmark(struct marking *batch, struct programs *programs);

void marking_close(struct marking *batch);

/* The stable code of an error, for the client. */
const char *marking_code(int error);

#endif
