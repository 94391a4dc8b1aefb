/* Which system calls walk a path again when a hook answers -ESTALE or restarts them. Everything else that
 * reaches a shared inode (descriptor-based calls, ioctls that open by handle, kernel servers) is refused. */
#ifndef SAMEPAGE_SYSTEM_CALLS_H
#define SAMEPAGE_SYSTEM_CALLS_H

#include "kernel-types.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>

#define IO_URING_ENTER 426 /* on every architecture */

enum abi {
	ABI_NATIVE,
	ABI_COMPAT, /* a 32-bit system call on a 64-bit kernel: numbers and registers of its own */
};

enum path_use {
	PATH_ALWAYS,       /* or an error */
	PATH_OR_NULL,      /* NULL means the descriptor */
	PATH_FLAGS_FOURTH, /* so does AT_EMPTY_PATH in the fourth argument, */
	PATH_FLAGS_FIFTH,  /* or in the fifth */
};

#define AT_EMPTY_PATH 0x1000

#if defined(__TARGET_ARCH_x86)
#define X32_BIT 0x40000000
#define TS_COMPAT 0x2 /* set from a 32-bit call's entry to its end */

static __always_inline enum abi abi_of(struct task_struct *task)
{
	return BPF_CORE_READ(task, thread_info.status) & TS_COMPAT ? ABI_COMPAT : ABI_NATIVE;
}

static __always_inline long call_number(struct pt_regs *regs)
{
	return BPF_CORE_READ(regs, orig_ax) & ~X32_BIT;
}

static __always_inline u64 second_argument(struct pt_regs *regs, enum abi abi)
{
	return abi == ABI_COMPAT ? (u32)BPF_CORE_READ(regs, cx) : BPF_CORE_READ(regs, si);
}

static __always_inline u32 fourth_argument(struct pt_regs *regs, enum abi abi)
{
	return abi == ABI_COMPAT ? BPF_CORE_READ(regs, si) : BPF_CORE_READ(regs, r10);
}

static __always_inline u32 fifth_argument(struct pt_regs *regs, enum abi abi)
{
	return abi == ABI_COMPAT ? BPF_CORE_READ(regs, di) : BPF_CORE_READ(regs, r8);
}

static __always_inline bool opens_by_path(long number, enum abi abi)
{
	if (abi == ABI_COMPAT)
		return number == 5 || number == 8 || number == 295 || number == 437; /* open, creat, openat, openat2 */
	return number == 2 || number == 85 || number == 257 || number == 437;
}

static __always_inline bool changes_by_path_compat(long number)
{
	switch (number) {
	case 15: case 306: case 452:                               /* chmod, fchmodat, fchmodat2 */
	case 16: case 182: case 198: case 212: case 298:           /* lchown16, chown16, lchown, chown, fchownat */
	case 30: case 271: case 299: case 320: case 412:           /* utime, utimes, futimesat, utimensat, with 64-bit times */
	case 92: case 193:                                         /* truncate, truncate64 */
		return true;
	}
	return false;
}

static __always_inline bool changes_by_path(long number, enum abi abi)
{
	if (abi == ABI_COMPAT)
		return changes_by_path_compat(number);
	switch (number) {
	case 90: case 268: case 452:           /* chmod, fchmodat, fchmodat2 */
	case 92: case 94: case 260:            /* chown, lchown, fchownat */
	case 132: case 235: case 261: case 280: /* utime, utimes, futimesat, utimensat */
	case 76:                               /* truncate */
		return true;
	}
	return false;
}

/* Calls whose path is their second argument, and which work on the descriptor without one; and where their flags are. */
static __always_inline enum path_use path_use_of(long number, enum abi abi)
{
	bool compat = abi == ABI_COMPAT;
	switch (number) {
	case 452: /* fchmodat2 */
		return PATH_FLAGS_FOURTH;
	case 260: case 280: case 261: /* fchownat, utimensat, futimesat */
		if (!compat)
			return number == 260 ? PATH_FLAGS_FIFTH : number == 280 ? PATH_FLAGS_FOURTH : PATH_OR_NULL;
		break;
	case 298: case 320: case 412: case 299:
		if (compat)
			return number == 298 ? PATH_FLAGS_FIFTH : number == 299 ? PATH_OR_NULL : PATH_FLAGS_FOURTH;
	}
	return PATH_ALWAYS;
}
#else
#define TIF_32BIT 22

static __always_inline enum abi abi_of(struct task_struct *task)
{
	return BPF_CORE_READ(task, thread_info.flags) >> TIF_32BIT & 1 ? ABI_COMPAT : ABI_NATIVE;
}

static __always_inline long call_number(struct pt_regs *regs)
{
	return BPF_CORE_READ(regs, syscallno);
}

static __always_inline u64 second_argument(struct pt_regs *regs, enum abi abi)
{
	return BPF_CORE_READ(regs, user_regs.regs[1]); /* in either */
}

static __always_inline u32 fourth_argument(struct pt_regs *regs, enum abi abi)
{
	return BPF_CORE_READ(regs, user_regs.regs[3]);
}

static __always_inline u32 fifth_argument(struct pt_regs *regs, enum abi abi)
{
	return BPF_CORE_READ(regs, user_regs.regs[4]);
}

/* AArch32 calls are refused, and counted as refused by rule. */
static __always_inline bool opens_by_path(long number, enum abi abi)
{
	return abi == ABI_NATIVE && (number == 56 || number == 437); /* openat, openat2 */
}

static __always_inline bool changes_by_path(long number, enum abi abi)
{
	if (abi != ABI_NATIVE)
		return false;
	switch (number) {
	case 53: case 452: case 54: case 88: case 45: /* fchmodat, fchmodat2, fchownat, utimensat, truncate */
		return true;
	}
	return false;
}

static __always_inline enum path_use path_use_of(long number, enum abi abi)
{
	return number == 54 ? PATH_FLAGS_FIFTH : number == 452 || number == 88 ? PATH_FLAGS_FOURTH : PATH_ALWAYS;
}
#endif

/* Whether a call works on its descriptor: futimens, AT_EMPTY_PATH with nothing in the path. Under the inode's lock the
 * caller's memory is only looked at, never waited for; a path that cannot be seen without counts as empty. */
static __always_inline bool lacks_a_path(long number, struct pt_regs *regs, enum abi abi)
{
	enum path_use use = path_use_of(number, abi);
	u64 path = second_argument(regs, abi);
	char first;
	if (use == PATH_ALWAYS)
		return false;
	if (!path)
		return true;
	u32 flags = use == PATH_FLAGS_FOURTH ? fourth_argument(regs, abi) : use == PATH_FLAGS_FIFTH ? fifth_argument(regs, abi) : 0;
	return flags & AT_EMPTY_PATH && (bpf_probe_read_user(&first, 1, (void *)path) || !first);
}

#endif
