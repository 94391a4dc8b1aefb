/* The marks on disk, so that they outlive a reboot: the kernel's map outlives everything else by itself. */
#ifndef SAMEPAGE_MARK_LOG_H
#define SAMEPAGE_MARK_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include "programs.h"

/* Opens <state>/marks. With `fresh` (the map is empty: first start, or a reboot) every inode of the log that still
 * exists is marked again; either way the log is rewritten without what is gone, and guests are kept off the devices
 * below. 0, or -1 with errno. */
int mark_log_start(const char *state_directory, const struct programs *started, bool fresh);

/* Appends marks (or their end) and returns once they are on disk: a link that survives a power loss must not
 * outlive its mark. 0, or -1 with errno. */
int mark_log_append(const struct inode_key *keys, size_t count, bool marked);

/* Appends the end of one mark that nobody needs any more. Not waited for: if it is lost, an inode that is its guest's own
 * is marked for nothing after a reboot. */
void mark_log_lift(const struct inode_key *key);

/* Marks what waited for its file system; call when mounts have changed. */
void mark_log_mounts_changed(void);

/* Logged marks whose file system is not mounted. */
size_t mark_log_waiting(void);

#endif
