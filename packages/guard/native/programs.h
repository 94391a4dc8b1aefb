/* The BPF programs: loaded and pinned by the first daemon, adopted by its successors. */
#ifndef SAMEPAGE_PROGRAMS_H
#define SAMEPAGE_PROGRAMS_H

#include <stdbool.h>
#include "guard-abi.h"

#define PIN_DIRECTORY "/sys/fs/bpf/samepage-guard"

struct programs {
	int marks, answers, replacing, events, counters, devices;
	volatile struct guard_state *state; /* mapped */
	bool adopted;                       /* pinned ones were found: the marks in them are in force */
};

/* What the kernel can carry, by what its BTF names. */
enum guard_mode kernel_mode(void);

/* Adopts the pinned programs, or loads, attaches and pins new ones. With `replace` pinned ones give way to new
 * ones, which keep their marks: for another version of the programs, or when btrfs was loaded after them.
 * 0, or -1 after a line in the log that says why. */
int programs_start(struct programs *programs, bool replace);

/* Takes every hook out of the kernel: nothing is guarded any more. */
void programs_remove(void);

/* Loads the programs and lets them go again: what `samepage doctor` asks. */
int programs_probe(void);

#endif
