/* The marks on disk, so that they outlive a reboot: the kernel's map outlives everything else by itself. */
#ifndef SAMEPAGE_MARK_LOG_H
#define SAMEPAGE_MARK_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include "file-systems.h"
#include "guard-abi.h"

/* One word on one inode. Host byte order: the file never leaves its host. */
struct mark_record {
	__u32 magic;
	__u32 generation;
	__u8 uuid[UUID_BYTES];
	__u64 ino;
	__u64 subvolume;
};

/* Opens <state>/marks, made if need be. 0, or -1 with errno. */
int mark_log_open(const char *state_directory);

/* Appends marks (or their end) and returns once they are on disk: a link that survives a power loss must not
 * outlive its mark. 0, or -1 with errno. */
int mark_log_append(const struct inode_key *keys, size_t count, bool marked);

/* Appends the end of one mark that nobody needs any more. Not waited for: if it is lost, an inode that is its guest's own
 * is marked for nothing after a reboot. */
void mark_log_lift(const struct inode_key *key);

/* The inodes that are marked by the newest word on each, allocated, and in *end where the log ended. 0, or -1 with errno. */
int mark_log_read(struct mark_record **marked, size_t *count, off_t *end);

/* Calls `use` with every inode whose mark ended since the log had this length. */
void mark_log_lifted_since(off_t end, void (*use)(const struct mark_record *lifted));

/* Replaces what the log held up to `end` by these records, at once or not at all. 0, or -1 with errno: the old log stays. */
int mark_log_compact(const struct mark_record *records, size_t count, off_t end);

#endif
