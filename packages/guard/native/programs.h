/* The BPF programs: loaded and pinned by the first daemon, adopted by its successors. */
#ifndef SAMEPAGE_PROGRAMS_H
#define SAMEPAGE_PROGRAMS_H

#include <stdbool.h>
#include "guard-abi.h"

#define PIN_DIRECTORY "/sys/fs/bpf/samepage-guard"

struct programs {
	int marks, answers, replacing, events, notes, counters, devices, backing;
	volatile struct guard_state *state; /* mapped */
	volatile __u64 *filter;              /* mapped */
	bool adopted;                       /* pinned ones were found: the marks in them are in force */
};

/* What the kernel can carry, by what its BTF names. */
enum guard_mode kernel_mode(void);

/* Adopts the pinned programs, or loads, attaches and pins new ones; those of another version give way, and leave their
 * marks. 0, or -1 after a line in the log that says why. */
int programs_start(struct programs *programs);

/* Has the programs tell btrfs subvolumes apart, once the kernel has loaded btrfs; call when mounts changed. */
void programs_learn_btrfs(const struct programs *programs);

/* Puts one mark in force, for the connection that asks for it (0: none). 0, or -1 with errno: EEXIST when it was already. */
int programs_add_mark(const struct programs *programs, const struct inode_key *key, __u32 requester);

/* Has the programs look the inodes of this number up when they are opened for writing. */
void programs_watch_for(const struct programs *programs, __u64 ino);

/* Takes every hook out of the kernel: nothing is guarded any more. */
void programs_remove(void);

/* Loads the programs and lets them go again: what `samepage doctor` asks. */
int programs_probe(void);

#endif
