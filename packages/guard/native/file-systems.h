/* The file systems that hold marked inodes, and how to reach an inode in them without walking any path. */
#ifndef SAMEPAGE_FILE_SYSTEMS_H
#define SAMEPAGE_FILE_SYSTEMS_H

#include <stdbool.h>
#include <stddef.h>
#include <linux/types.h>
#include "guard-abi.h"

#define UUID_BYTES 16
#define MAX_FILE_SYSTEMS 256 /* not mounts: one writable mount of each is enough */

struct file_system {
	__u32 device;
	__u8 uuid[UUID_BYTES]; /* outlives a reboot */
};

/* Opens /proc/self/mountinfo for poll(POLLPRI) and reads the mounts. Returns the descriptor, or -1 with errno. */
int file_systems_start(void);

/* Reads the mounts again; call when the descriptor of file_systems_start signals POLLPRI. */
void file_systems_refresh(void);

/* The key of the inode behind a descriptor. 0, or -1 with errno (EOPNOTSUPP: not ext4, XFS or btrfs). */
int key_of_descriptor(int fd, struct inode_key *key);

/* The key of one name in a directory, symbolic links not followed. 0, or -1 with errno. */
int key_of_name(int directory, const char *name, struct inode_key *key);

/* Opens an inode by its key, through the daemon's own mount of its file system: no name is looked up, so no
 * guest can redirect it. Returns a descriptor, or -1 with errno (ESTALE: gone, ENODEV: not mounted). */
int open_inode(const struct inode_key *key, int flags);

/* Whether the inode no longer exists: nobody has a name, a descriptor or a mapping of it. */
bool is_gone(const struct inode_key *key);

/* The identity of a file system that outlives a reboot. False when unknown. */
bool uuid_of_device(__u32 device, __u8 uuid[UUID_BYTES]);

/* The file systems that are mounted and have one. */
size_t file_systems_list(struct file_system list[MAX_FILE_SYSTEMS]);

/* Calls `use` with every block device (kernel numbering) that a mounted file system was made on. 0, or an errno:
 * ENOTBLK when they cannot be told. */
int each_block_device(__u32 device, int (*use)(__u32 block));

#endif
