/* A private copy of a shared inode: bytes, holes, owner, mode, times, ACLs, capabilities, other attributes. */
#ifndef SAMEPAGE_FILE_COPY_H
#define SAMEPAGE_FILE_COPY_H

#include <stdbool.h>
#include <sys/stat.h>

/* Buffers of one thread; nothing is allocated while an opener waits. */
struct copy_buffers {
	char names[64 << 10];  /* XATTR_LIST_MAX */
	char value[64 << 10];  /* XATTR_SIZE_MAX */
	char data[256 << 10];  /* fits the L2 cache */
};

/* Fills `to` (new, empty, on the same file system) from `from`. On a file system that keeps no order between
 * data and rename by itself, the data is on disk when this returns, so that a crash never replaces a durable
 * file by an empty one. 0, or -1 with errno; `*bytes` says how many were copied rather than cloned. */
int copy_file(int from, int to, const struct stat *st, struct copy_buffers *buffers, long long *bytes);

#endif
