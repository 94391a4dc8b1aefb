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

/* 0 or an errno, with the inode concerned and nothing of the batch left marked that was not before: EAGAIN when an inode
 * is open for writing, ENOTRECOVERABLE when the kernel does not enforce a mark, ENOTBLK when guests could write its
 * file system's devices. `requester` is the connection's number. */
int marking_mark(struct marking *batch, struct programs *programs, __u32 requester, unsigned long long *ino);

/* Lifts those marks that this requester made, once: it says that it shared nothing through them. All others stay, since
 * whoever an inode is shared with may hold it by other means than a name. 0 or an errno. */
int marking_unmark(struct marking *batch, struct programs *programs, __u32 requester);

/* The inodes lose their last name: their marks go when they have gone. */
void marking_retire(struct marking *batch);

void marking_close(struct marking *batch);

/* The stable code of an error, for the client. */
const char *marking_code(int error);

#endif
