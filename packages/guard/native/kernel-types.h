/* The few kernel structures that the programs read, with only the members used. Their real offsets are filled
 * in at load time from the running kernel's BTF (CO-RE), so no kernel's headers are needed to build. */
#ifndef SAMEPAGE_KERNEL_TYPES_H
#define SAMEPAGE_KERNEL_TYPES_H

#include <stdbool.h>
#include <linux/types.h>

typedef __u8 u8;
typedef __u32 u32;
typedef __s32 s32;
typedef __u64 u64;
typedef __s64 s64;
typedef unsigned int fmode_t;
typedef unsigned short umode_t;

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

typedef struct {
	unsigned int val;
} kuid_t;

typedef struct {
	int counter;
} atomic_t;

struct super_block {
	u32 s_dev;
	unsigned long s_magic;
};

struct inode {
	umode_t i_mode;
	kuid_t i_uid;
	struct super_block *i_sb;
	unsigned long i_ino;
	const unsigned int i_nlink;
	u32 i_rdev;
	u32 i_generation;
	atomic_t i_count;
};

struct qstr {
	const unsigned char *name;
};

struct lockref {
	int count;
};

struct dentry {
	struct lockref d_lockref;
	struct dentry *d_parent;
	struct qstr d_name;
	struct inode *d_inode;
};

struct mnt_namespace;

struct vfsmount {
	int mnt_flags;
};

struct mount {
	struct vfsmount mnt;
	struct mnt_namespace *mnt_ns;
};

struct path {
	struct vfsmount *mnt;
	struct dentry *dentry;
};

struct file {
	fmode_t f_mode;
	unsigned int f_flags;
	struct inode *f_inode;
	struct path f_path;
};

struct iattr {
	unsigned int ia_valid;
};

struct uid_gid_extent {
	u32 first;
	u32 lower_first;
	u32 count;
};

struct uid_gid_map {
	u32 nr_extents;
	struct uid_gid_extent extent[5];
};

struct user_namespace {
	struct uid_gid_map uid_map;
	int level;
	kuid_t owner;
};

struct mnt_idmap {
	struct uid_gid_map uid_map; /* since Linux 6.8 */
};

struct ns_common {
	unsigned int inum;
};

struct pid_namespace {
	struct user_namespace *user_ns;
	struct ns_common ns;
};

struct upid {
	int nr;
	struct pid_namespace *ns;
};

struct pid {
	unsigned int level;
	struct upid numbers[1];
};

struct kernfs_node {
	u64 id;
};

struct cgroup_subsys_state {
	struct cgroup_subsys_state *parent;
};

struct cgroup {
	struct cgroup_subsys_state self;
	int level;
	struct kernfs_node *kn;
};

struct css_set {
	struct cgroup *dfl_cgrp;
};

typedef struct {
	unsigned long sig[1];
} sigset_t;

struct sigpending {
	sigset_t signal;
};

typedef struct {
	u64 val;
} kernel_cap_t;

struct cred {
	kuid_t fsuid;
	kernel_cap_t cap_effective;
	struct user_namespace *user_ns;
};

struct fs_struct {
	struct path root;
};

struct thread_info {
	unsigned long flags;
	u32 status; /* x86 */
};

struct task_struct {
	struct thread_info thread_info;
	unsigned int flags;
	int exit_state;
	int pid;
	u64 start_time; /* CLOCK_MONOTONIC ns */
	struct task_struct *real_parent;
	const struct cred *cred;
	struct fs_struct *fs;
	struct pid *thread_pid;
	struct css_set *cgroups;
	struct sigpending pending;
};

#if defined(__TARGET_ARCH_x86)
struct pt_regs {
	unsigned long r10;
	unsigned long r8;
	unsigned long cx;
	unsigned long si;
	unsigned long di;
	unsigned long orig_ax;
};
#elif defined(__TARGET_ARCH_arm64)
struct user_pt_regs {
	u64 regs[31];
};
struct pt_regs {
	struct user_pt_regs user_regs;
	s32 syscallno;
};
#else
#error "The guard knows the system call numbers of x86-64 and arm64."
#endif

#pragma clang attribute pop

struct posix_acl;
struct file_kattr;
struct file_lock;

#endif
