/* What the BPF programs and the daemon share: the layout of map keys, values and events. */
#ifndef SAMEPAGE_GUARD_ABI_H
#define SAMEPAGE_GUARD_ABI_H

#include <stdbool.h>
#include <linux/types.h>

/* Raised with every change of a layout or of what a program promises: a daemon that finds other programs
 * pinned replaces them. */
#define GUARD_ABI 6

#define NAME_BYTES 256 /* NAME_MAX and its end */

/* One inode for as long as it exists: a number that is used again has another generation, and inodes of two
 * btrfs subvolumes may share number and generation. `device` is the superblock's s_dev (on btrfs not st_dev). */
struct inode_key {
	__u64 ino;
	__u64 subvolume; /* root id on btrfs, else 0 */
	__u32 device;
	__u32 generation;
};

static inline __attribute__((always_inline)) bool same_inode(const struct inode_key *a, const struct inode_key *b)
{
	return a->ino == b->ino && a->subvolume == b->subvolume && a->device == b->device && a->generation == b->generation;
}

enum event_kind {
	EVENT_OPEN = 1,     /* an open that can modify */
	EVENT_METADATA = 2, /* chmod, chown, utimes, truncate by path */
	EVENT_ALONE = 3,    /* a change was refused although one link is left: the mark may go */
	EVENT_LOCKED = 4,   /* somebody locked a shared inode: locks couple guests, so the engine should know */
};

struct guard_event {
	struct inode_key inode;
	struct inode_key parent; /* the directory that holds the name that was used */
	__u64 task;              /* tgid << 32 | tid, of the initial pid namespace */
	__u64 started;           /* CLOCK_MONOTONIC ns */
	__u64 guest;             /* whose share of the guard it takes: see guest_of */
	__u32 kind;
	__u32 can_restart; /* the call may be taken back and started again; io_uring's may not */
	char comm[16];
	char name[NAME_BYTES]; /* the one component in `parent` */
};

enum answer_state {
	ANSWER_WAIT = 1,    /* the copy is being made: wait on for as long as the daemon beats */
	ANSWER_RESTART = 2, /* ptrace stops the caller on its way out: restart its system call */
	ANSWER_RESULT = 3,  /* `error` is the verdict: -ESTALE walks the path again, else it goes to the caller */
};

struct guard_answer {
	struct inode_key inode;
	__u64 expires; /* CLOCK_MONOTONIC ns; a verdict that nobody fetched must not meet a later call */
	__u64 state;
	__s64 error; /* negative errno */
};

struct guard_mark {
	__u32 locked;    /* a lock was reported: once a mark */
	__u32 requester; /* the connection that asked for this mark: it alone may lift it, and only what it never shared */
};

/* What a thread of the daemon means by its next rename. */
enum rename_intent {
	RENAME_REPLACE = 1, /* go through only over this inode */
	RENAME_DROP = 2,    /* never go through; drop the mark if this name is the only link and nobody else can reach the inode */
	RENAME_ASK = 3,     /* as RENAME_DROP, but the mark stays */
};

struct guard_rename {
	struct inode_key inode;
	__u32 intent;
	__u32 reserved;
};

/* What one guest has under way in the hooks. */
struct guard_guest {
	__s64 posted;    /* callers that wait for the daemon */
	__u64 second;    /* CLOCK_MONOTONIC ns: since when the rest counts */
	__u64 notes;     /* events that nobody waits for */
	__u64 failed;    /* opens that were refused after they had waited */
};

enum guard_counter {
	COUNT_OPENS,     /* opens of a shared inode that could modify it */
	COUNT_METADATA,  /* metadata changes by path of a shared inode */
	COUNT_REFUSED,   /* EPERM by rule: descriptor-based metadata, xattr, ACL, flags, kernel-internal opens */
	COUNT_UNGUARDED, /* EPERM since no live daemon answered */
	COUNT_TIMEOUT,   /* EPERM since the daemon did not answer in time */
	COUNT_UNSHARED,  /* marks dropped in place, without a copy */
	COUNT_DROPPED,   /* events that nobody waits for, lost: the guest's share of them was spent */
	COUNTERS,
};

enum guard_mode {
	MODE_DENY = 0, /* refuse every in-place change: kernels before 6.9, or while nothing answers */
	MODE_COPY = 1, /* copy on write */
};

/* Ahead of the hash of marks stands one bit for each of 2^24 hashed inode numbers: whoever opens a file for writing that
 * was never marked pays for one load. A bit is set before its mark and never cleared; a stale one costs a look-up. */
#define FILTER_BITS 24

static inline __attribute__((always_inline)) __u32 filter_bit(__u64 ino)
{
	return (__u32)(ino * 0x9E3779B97F4A7C15ULL >> (64 - FILTER_BITS)); /* Fibonacci hashing: neighbours spread */
}

/* One element, mapped into the daemon: it beats here, the programs read. */
struct guard_state {
	__u64 heartbeat; /* CLOCK_MONOTONIC ns */
	__u64 resident;  /* an address of the daemon's that is never paged out, to be read while giving way */
	__u32 daemon;    /* tgid; 0 when none */
	__u32 mode;
	__u32 abi;
	/* Where btrfs keeps an inode's root and a root's id, from its BTF; 0 until the module is loaded. Without them no
	 * key of a btrfs inode is equal to the daemon's, so that no mark is taken for enforced. */
	__s32 btrfs_root;    /* from the VFS inode to the pointer to its root */
	__u32 btrfs_root_id; /* from the root to its id */
	__u32 reserved;
};

#endif
