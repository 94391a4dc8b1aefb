/* Breaks one link: the name in its directory gets a private copy, every other name keeps the shared inode. */
#ifndef SAMEPAGE_LINK_BREAK_H
#define SAMEPAGE_LINK_BREAK_H

#include "file-copy.h"
#include "guard-abi.h"

struct break_request {
	struct inode_key inode;
	struct inode_key parent;
	const char *name;
	int held;    /* thread that hold.h holds, or 0 */
	bool waits;  /* the caller waits in the middle of its open */
	int slot;   /* of the thread, in the intents file */
};

struct break_result {
	bool dropped;        /* one link was left: the mark went, in place, without a copy */
	int error;           /* 0; ESTALE: the name is somebody else's by now, walk again; else why not */
	__u64 new_inode;     /* number of the private inode */
	long long size;
	long long copied;    /* bytes copied rather than cloned */
};

/* Maps the file of intents (one slot a thread), finishes what a killed daemon left half done. -1 with errno. */
int link_break_start(const char *state_directory, int replacing_map);

/* Drops the mark of an inode that nothing but this name leads to. False: it stays. */
bool link_drop_if_alone(const struct break_request *request);

void link_break(const struct break_request *request, struct copy_buffers *buffers, struct break_result *result);

#endif
