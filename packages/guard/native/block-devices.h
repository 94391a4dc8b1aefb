/* What the bytes of a guarded file system can be written through behind its back: its own block devices, the disks of
 * which they are partitions, what device-mapper, md and loop devices are made of, and so on down. Guests may not open
 * these for writing, nor pass commands through them (guard_file_open, guard_file_ioctl). */
#ifndef SAMEPAGE_BLOCK_DEVICES_H
#define SAMEPAGE_BLOCK_DEVICES_H

#include "programs.h"

/* Keeps guests off everything under the file system on this device, as it is built now. Cheap enough to be called with
 * every batch of marks, so that a volume that was extended is known soon. From one thread at a time. 0, or an errno:
 * ENOTBLK when it cannot be worked out, ENODEV when the file system is not mounted. */
int block_devices_guard(const struct programs *programs, __u32 device);

/* A daemon that starts: entries that another one made are told from those that this one needs. */
void block_devices_begin(void);

/* Gives guests back what no guarded file system lies on any more: whatever was not guarded since block_devices_begin. */
void block_devices_drop_old(const struct programs *programs);

#endif
