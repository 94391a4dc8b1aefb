/* Which system calls walk a path again when a hook answers -ESTALE or restarts them. Everything else that
 * reaches a shared inode (descriptor-based calls, ioctls that open by handle, kernel servers) is refused. */
#ifndef SAMEPAGE_SYSTEM_CALLS_H
#define SAMEPAGE_SYSTEM_CALLS_H

#include "kernel-types.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>

#define IO_URING_ENTER 426 /* on every architecture */

#if defined(__TARGET_ARCH_x86)
#define X32_BIT 0x40000000

static __always_inline long call_number(struct pt_regs *regs)
{
	return BPF_CORE_READ(regs, orig_ax) & ~X32_BIT;
}

static __always_inline u64 second_argument(struct pt_regs *regs)
{
	return BPF_CORE_READ(regs, si);
}

static __always_inline u64 stack_pointer(struct pt_regs *regs)
{
	return BPF_CORE_READ(regs, sp);
}

/* Numbers of both x86-64 and i386 in one set: none of the other ABI's calls behind these numbers opens or
 * changes a file by descriptor (i386: 2 fork, 85 readlink; x86-64: 5 fstat, 8 lseek, 295 preadv). */
static __always_inline bool opens_by_path(long number)
{
	switch (number) {
	case 2: case 85: case 257: case 437: /* open, creat, openat, openat2 */
	case 5: case 8: case 295:            /* i386: open, creat, openat */
		return true;
	}
	return false;
}

static __always_inline bool changes_by_path(long number)
{
	switch (number) {
	case 90: case 268: case 452:           /* chmod, fchmodat, fchmodat2 */
	case 92: case 94: case 260:            /* chown, lchown, fchownat */
	case 132: case 235: case 261: case 280: /* utime, utimes, futimesat, utimensat */
	case 76:                               /* truncate */
		return true;
	}
	return false;
}

/* Calls whose path is their second argument, and which work on the descriptor without one. */
static __always_inline bool may_lack_a_path(long number)
{
	return number == 260 || number == 268 || number == 452 || number == 261 || number == 280;
}
#else
static __always_inline long call_number(struct pt_regs *regs)
{
	return BPF_CORE_READ(regs, syscallno);
}

static __always_inline u64 second_argument(struct pt_regs *regs)
{
	return BPF_CORE_READ(regs, user_regs.regs[1]);
}

static __always_inline u64 stack_pointer(struct pt_regs *regs)
{
	return BPF_CORE_READ(regs, user_regs.sp);
}

static __always_inline bool opens_by_path(long number)
{
	return number == 56 || number == 437; /* openat, openat2 */
}

static __always_inline bool changes_by_path(long number)
{
	switch (number) {
	case 53: case 452: case 54: case 88: case 45: /* fchmodat, fchmodat2, fchownat, utimensat, truncate */
		return true;
	}
	return false;
}

static __always_inline bool may_lack_a_path(long number)
{
	return number != 45;
}
#endif

#endif
