/* Puts logged marks in force again: after a reboot, after a daemon that was killed while it did, and when a file system
 * comes back, perhaps under another device number (btrfs takes the next free one with every mount). */
#ifndef SAMEPAGE_REVIVAL_H
#define SAMEPAGE_REVIVAL_H

#include <stddef.h>
#include "programs.h"

/* Marks every inode of the log that may still exist, keeps guests off the devices below (and off no others), and rewrites the
 * log without what is gone. Always the whole log, whatever marks are in force: nothing tells how far a daemon before this one got. Call from
 * the thread that appends marks. 0, or -1 with errno. */
int revival_start(const struct programs *programs);

/* The same for file systems that were not mounted, or under another number; call when mounts have changed. */
void revival_mounts_changed(void);

/* Logged marks whose file system is not mounted. */
size_t revival_waiting(void);

#endif
