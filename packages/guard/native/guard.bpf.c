/* The kernel half of the guard: finds who is about to change a shared inode, hands the caller to the daemon,
 * and makes sure that nothing is opened for writing, nor its metadata changed, while it is still shared.
 * README.md tells the whole path of a write. Every way out that is not proved safe is an error to the caller. */
#include "kernel-types.h"
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <bpf/bpf_core_read.h>
#include "guard-abi.h"
#include "system-calls.h"

char LICENSE[] SEC("license") = "GPL";

#define EPERM 1
#define EINTR 4
#define EAGAIN 11
#define ESTALE 116
#define ECANCELED 125
#define ERESTARTNOINTR 513 /* kernel-internal: the call is started again once the ptrace stop is over */

#define S_IFMT 0170000
#define S_IFREG 0100000
#define S_IFBLK 0060000
#define O_ACCMODE 03
#define O_TRUNC 01000
#define FMODE_WRITE 0x2
#define F_SETLEASE 1024
#define F_SETDELEG 1040 /* Linux 6.19: a lease by another name */
#define F_UNLCK 2
#define PF_IO_WORKER 0x10
#define PF_EXITING 0x4
#define PF_KTHREAD 0x200000
#define SIGKILL 9
#define ATTR_UID (1 << 1)
#define ATTR_GID (1 << 2)
#define ATTR_SIZE (1 << 3)
#define ATTR_TOUCH (1 << 17)
#define CAP_CHOWN 0
#define CAP_FOWNER 3
#define BTRFS_SUPER_MAGIC 0x9123683E

/* An ioctl by its type and number: the rest of the command is the size of its argument, which 32-bit programs have
 * otherwise. IOCTLS.md goes through all that file systems know. */
#define IOCTL(type, number) ((type) << 8 | (number))
#define IOCTL_OF(command) ((command) & 0xffff)

/* The daemon's first answer takes a wake-up (tens of microseconds); a second without one is a stuck daemon. */
#define ANSWER_TIMEOUT_NS 1000000000ULL
/* It beats every 250 ms; eight missed beats and it counts as dead even if its process still exists. */
#define HEARTBEAT_TIMEOUT_NS 2000000000ULL
/* Bounds of the wait loops for the verifier, one inside the other: together for ever. What ends them is in wait_round. */
#define WAIT_ROUNDS (1 << 23)
/* Bound of the walk from a process to init; a deeper one counts as a guest's. */
#define ANCESTORS 64

/* Callers of one guest that may wait in hooks for the daemon; the next ones wait for their turn. An eleventh of `events`. */
#define GUEST_POSTED 256
/* Events of one guest that nobody waits for, in a second: a sixth of `notes`. */
#define GUEST_NOTES 256
/* Opens of one guest that came to nothing, in a second, before the rest of that second is refused without waiting: while an
 * open waits here its inode counts a writer, and a program of which it is cannot be executed by anybody (ETXTBSY). */
#define GUEST_FAILED 32

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4 << 20); /* allocated as used: about 100 bytes a mark */
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct inode_key);
	__type(value, struct guard_mark);
} marks SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 8192); /* callers waiting at one time; preallocated: nothing is allocated while one waits */
	__type(key, u64);
	__type(value, struct guard_answer);
} answers SEC(".maps");

/* What the daemon's thread (by tid) means by its rename. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 64);
	__type(key, u32);
	__type(value, struct guard_rename);
} replacing SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 20); /* 2,800 events, whose callers wait; full means refused */
} events SEC(".maps");

/* Events that nobody waits for: apart, so that they never stand in a caller's way. */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 19);
} notes SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096); /* guests, not processes; one that is pushed out starts again from nothing */
	__type(key, u64);
	__type(value, struct guard_guest);
} guests SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, COUNTERS);
	__type(key, u32);
	__type(value, u64);
} counters SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, u32);
	__type(value, struct guard_state);
} state SEC(".maps");

/* Everything below guarded file systems: no guest writes it behind their back. Block devices (and the superblocks'
 * own numbers), and the files behind loop devices. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, u32);
	__type(value, u32);
} devices SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 256);
	__type(key, struct inode_key);
	__type(value, u32);
} backing SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, (1 << FILTER_BITS) / 64);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, u32);
	__type(value, u64);
} filter SEC(".maps");

extern struct task_struct *bpf_task_from_pid(s32 pid) __ksym __weak;
extern void bpf_task_release(struct task_struct *task) __ksym __weak;

static __always_inline void count(u32 which)
{
	u64 *value = bpf_map_lookup_elem(&counters, &which);
	if (value)
		__sync_fetch_and_add(value, 1);
}

static __always_inline long refuse(u32 which)
{
	count(which);
	return -EPERM;
}

static __always_inline struct guard_state *guard_state(void)
{
	u32 zero = 0;
	return bpf_map_lookup_elem(&state, &zero);
}

static __always_inline void key_of(struct inode_key *key, struct inode *inode)
{
	struct super_block *sb = inode->i_sb;
	key->ino = inode->i_ino;
	key->subvolume = 0;
	key->device = sb->s_dev;
	key->generation = inode->i_generation;
	if (sb->s_magic == BTRFS_SUPER_MAGIC) {
		struct guard_state *s = guard_state();
		u64 at, root;
		bpf_probe_read_kernel(&at, sizeof(at), &inode); /* as a number: the verifier forbids sums with its pointer */
		if (s && s->btrfs_root_id && !bpf_probe_read_kernel(&root, sizeof(root), (void *)(at + s->btrfs_root)))
			bpf_probe_read_kernel(&key->subvolume, sizeof(key->subvolume), (void *)(root + s->btrfs_root_id));
	}
}

static __always_inline bool may_be_marked(struct inode *inode)
{
	u32 bit = filter_bit(inode->i_ino), word = bit >> 6;
	u64 *bits = bpf_map_lookup_elem(&filter, &word);
	return bits && *bits >> (bit & 63) & 1;
}

/* Whether the inode has to be looked up at all; its key then. */
static __always_inline bool may_concern(struct inode *inode, struct inode_key *key)
{
	if ((inode->i_mode & S_IFMT) != S_IFREG || !may_be_marked(inode))
		return false;
	key_of(key, inode);
	return true;
}

static __always_inline bool is_marked(struct inode *inode, struct inode_key *key)
{
	return may_concern(inode, key) && bpf_map_lookup_elem(&marks, key) != 0;
}

static __always_inline struct cgroup *parent_group(struct cgroup *group)
{
	struct cgroup_subsys_state *parent = BPF_CORE_READ(group, self.parent);
	u64 at;
	bpf_probe_read_kernel(&at, sizeof(at), &parent);
	return at ? (struct cgroup *)(at - bpf_core_field_offset(struct cgroup, self)) : 0;
}

/* Whose share a caller takes. A guest must not be able to make itself many: inside pid namespaces it is the outermost
 * one below the host's (namespaces inside belong to it), or the host's user who made it (rootless containers: anybody can
 * make any number). Else, a chroot or the host itself, the control group two levels below the root: a service, a user. */
static __always_inline u64 guest_of(struct task_struct *task)
{
	struct pid *pid = BPF_CORE_READ(task, thread_pid);
	if (BPF_CORE_READ(pid, level) > 0) {
		struct upid outermost = {};
		/* The second of an array that CO-RE cannot index: a number and a pointer each, in every kernel. */
		u64 at;
		bpf_probe_read_kernel(&at, sizeof(at), &pid);
		bpf_probe_read_kernel(&outermost, sizeof(outermost), (void *)(at + bpf_core_field_offset(struct pid, numbers) + sizeof(outermost)));
		struct pid_namespace *ns = outermost.ns;
		u32 owner = BPF_CORE_READ(ns, user_ns, owner.val);
		return owner ? 2ULL << 32 | owner : 1ULL << 32 | BPF_CORE_READ(ns, ns.inum);
	}
	struct cgroup *group = BPF_CORE_READ(task, cgroups, dfl_cgrp);
	for (int i = 0; i < 32 && group && BPF_CORE_READ(group, level) > 2; i++)
		group = parent_group(group);
	return group ? 1ULL << 63 | BPF_CORE_READ(group, kn, id) : 0;
}

static __always_inline struct guard_guest *state_of_guest(u64 guest)
{
	struct guard_guest *state = bpf_map_lookup_elem(&guests, &guest);
	if (state)
		return state;
	const struct guard_guest fresh = {};
	bpf_map_update_elem(&guests, &guest, &fresh, BPF_NOEXIST);
	return bpf_map_lookup_elem(&guests, &guest);
}

/* Posts what the daemon needs to find the name. False when the ring is full. */
static __always_inline bool post(void *ring, u32 kind, bool can_restart, u64 guest, const struct inode_key *key, struct dentry *dentry)
{
	struct guard_event *event = bpf_ringbuf_reserve(ring, sizeof(*event), 0);
	if (!event)
		return false;
	struct dentry *parent = dentry->d_parent;
	event->inode = *key;
	key_of(&event->parent, parent->d_inode);
	event->task = bpf_get_current_pid_tgid();
	event->started = bpf_ktime_get_ns();
	event->guest = guest;
	event->kind = kind;
	event->can_restart = can_restart;
	bpf_get_current_comm(event->comm, sizeof(event->comm));
	if (bpf_probe_read_kernel_str(event->name, sizeof(event->name), dentry->d_name.name) < 0)
		event->name[0] = 0;
	bpf_ringbuf_submit(event, BPF_RB_FORCE_WAKEUP);
	return true;
}

/* What a guest has used up is counted by the second. */
static __always_inline struct guard_guest *second_of_guest(u64 guest)
{
	struct guard_guest *state = state_of_guest(guest);
	u64 now = bpf_ktime_get_ns();
	if (state && now - state->second >= 1000000000ULL) {
		state->second = now;
		state->notes = 0;
		state->failed = 0;
	}
	return state;
}

/* Posts what nobody waits for. One that is lost is counted, and posted again with the next cause for it. */
static __always_inline bool note(u32 kind, const struct inode_key *key, struct dentry *dentry)
{
	u64 guest = guest_of(bpf_get_current_task_btf());
	struct guard_guest *state = second_of_guest(guest);
	if (state && state->notes < GUEST_NOTES && post(&notes, kind, false, guest, key, dentry)) {
		state->notes++;
		return true;
	}
	count(COUNT_DROPPED);
	return false;
}

static __always_inline bool beats(struct guard_state *s)
{
	return bpf_ktime_get_ns() - s->heartbeat <= HEARTBEAT_TIMEOUT_NS;
}

/* The daemon's own task, to be released, or none. A process that began after its last beat only has its number. */
static __always_inline struct task_struct *daemon_task(struct guard_state *s)
{
	u32 pid = s->daemon;
	struct task_struct *task = pid ? bpf_task_from_pid(pid) : 0;
	if (!task)
		return 0;
	if (task->flags & PF_EXITING || task->exit_state || task->start_time > s->heartbeat) {
		bpf_task_release(task);
		return 0;
	}
	return task;
}

static __always_inline bool daemon_lives(struct guard_state *s)
{
	if (!beats(s))
		return false;
	/* Dead since the last beat? Then nobody has to wait for the beat to grow old. */
	struct task_struct *task = daemon_task(s);
	if (!task)
		return false;
	bpf_task_release(task);
	return true;
}

struct wait {
	u64 task;
	u64 guest;
	u64 until;
	s64 outcome; /* 0: no answer yet */
	s64 error;
};

/* Bit 8 of the thread's own pending signals: the kernel sends a deadly signal to every thread of a process as SIGKILL. */
static __always_inline bool is_killed(struct task_struct *task)
{
	return BPF_CORE_READ(task, pending.signal.sig[0]) >> (SIGKILL - 1) & 1;
}

/* A helper that may sleep gives the CPU to whoever wants it (might_sleep, cond_resched), here the daemon: BPF has no
 * sleep, and a plain loop would starve the daemon on a machine whose CPUs all wait like this. What it reads is the
 * daemon's: a page of the caller's own could lie on a FUSE file system that never answers, and a caller that waits for it
 * holds the shared inode's lock for ever. False without a daemon. */
static __always_inline bool give_way(void)
{
	struct guard_state *s = guard_state();
	struct task_struct *daemon = s ? daemon_task(s) : 0;
	if (!daemon)
		return false;
	u64 ignored;
	bpf_copy_from_user_task(&ignored, sizeof(ignored), (void *)s->resident, daemon, 0);
	bpf_task_release(daemon);
	return true;
}

static long wait_round(u64 round, void *context)
{
	struct wait *wait = context;
	struct guard_answer *answer = bpf_map_lookup_elem(&answers, &wait->task);
	bool answered = answer && answer->state;
	if (answered && answer->state != ANSWER_WAIT) {
		wait->outcome = answer->state;
		wait->error = answer->error;
		return 1;
	}
	struct guard_state *s = guard_state();
	if (answered ? !s || !beats(s) : bpf_ktime_get_ns() > wait->until)
		return 1;
	if (is_killed(bpf_get_current_task_btf())) {
		wait->outcome = ANSWER_RESULT;
		wait->error = -EINTR; /* nobody sees it */
		return 1;
	}
	return !give_way();
}

/* The loop's bound is reached after some 10 s. A copy may take longer than that. */
static long wait_rounds(u64 round, void *context)
{
	return bpf_loop(WAIT_ROUNDS, wait_round, context, 0) < WAIT_ROUNDS;
}

/* Until fewer callers of this guest wait than may. */
static long wait_for_turn(u64 round, void *context)
{
	struct wait *wait = context;
	struct guard_guest *state = state_of_guest(wait->guest);
	if (state && state->posted < GUEST_POSTED) {
		__sync_fetch_and_add(&state->posted, 1);
		wait->outcome = 1;
		return 1;
	}
	if (bpf_ktime_get_ns() > wait->until || is_killed(bpf_get_current_task_btf()))
		return 1;
	return !give_way();
}

static __always_inline void end_turn(u64 guest)
{
	struct guard_guest *state = bpf_map_lookup_elem(&guests, &guest);
	if (state && state->posted > 0)
		__sync_fetch_and_add(&state->posted, -1);
}

/* Widths of 64 bits here and above: the verifier proves a hook's range of results only without sign extension. */
static __always_inline long checked(s64 error)
{
	if (error < -4095 || error >= 0)
		return -EPERM;
	return error;
}

/* Hands the caller to the daemon. Returns the negative errno for it: -ERESTARTNOINTR when ptrace stops it on its way
 * out, -ESTALE when it shall walk the path again. */
static __always_inline long hand_over(u32 kind, bool can_restart, const struct inode_key *key, struct dentry *dentry)
{
	struct guard_state *s = guard_state();
	if (!s || s->mode != MODE_COPY || !daemon_lives(s))
		return refuse(COUNT_UNGUARDED);
	struct wait wait = {
		.task = bpf_get_current_pid_tgid(),
		.guest = guest_of(bpf_get_current_task_btf()),
		.until = bpf_ktime_get_ns() + ANSWER_TIMEOUT_NS,
	};
	bpf_loop(WAIT_ROUNDS, wait_for_turn, &wait, 0);
	if (!wait.outcome)
		return refuse(COUNT_TIMEOUT);
	wait.outcome = 0;
	bpf_map_delete_elem(&answers, &wait.task);
	if (!post(&events, kind, can_restart, wait.guest, key, dentry)) {
		end_turn(wait.guest);
		return refuse(COUNT_UNGUARDED);
	}
	bpf_loop(WAIT_ROUNDS, wait_rounds, &wait, 0);
	end_turn(wait.guest);
	if (!wait.outcome)
		return refuse(COUNT_TIMEOUT);
	bpf_map_delete_elem(&answers, &wait.task);
	return wait.outcome == ANSWER_RESTART ? -ERESTARTNOINTR : checked(wait.error);
}

/* A verdict that the daemon left for this caller about this inode, or 0. Taken once. */
static __always_inline long take_verdict(const struct inode_key *key)
{
	u64 task = bpf_get_current_pid_tgid();
	struct guard_answer *answer = bpf_map_lookup_elem(&answers, &task);
	if (!answer || answer->state != ANSWER_RESULT || !same_inode(&answer->inode, key) ||
	    answer->expires < bpf_ktime_get_ns())
		return 0;
	s64 error = answer->error;
	bpf_map_delete_elem(&answers, &task);
	return checked(error);
}

/* Kernel code that opens or changes a file on its own (nfsd, overlay's real file, ioctls that open by handle)
 * does not walk a path again. */
static __always_inline bool is_internal_mount(struct vfsmount *mnt)
{
	struct mount *own = (void *)mnt - bpf_core_field_offset(struct mount, mnt);
	long ns = (long)BPF_CORE_READ(own, mnt_ns);
	return ns == 0 || (ns < 0 && ns >= -4095); /* MNT_NS_INTERNAL is ERR_PTR(-EINVAL) */
}

/* Whether the caller's root directory is another than init's, as in every container and chroot; or, where `mount` asks
 * for it, init's on a mount of its own, as that of a service with a mount namespace. */
static __always_inline bool has_other_root(struct task_struct *current, bool mount)
{
	struct task_struct *init = current;
	for (int i = 0; i < ANCESTORS; i++) {
		struct task_struct *parent = BPF_CORE_READ(init, real_parent);
		if (BPF_CORE_READ(parent, pid) == 0)
			return BPF_CORE_READ(init, fs, root.dentry) != BPF_CORE_READ(current, fs, root.dentry) ||
			       (mount && BPF_CORE_READ(init, fs, root.mnt) != BPF_CORE_READ(current, fs, root.mnt));
		init = parent;
	}
	return true;
}

/* An open's end, and whether it came to nothing. A full disk and a spent quota may befall anybody. */
static __always_inline long opened(struct guard_guest *state, long error)
{
	if (state && error == -EPERM)
		__sync_fetch_and_add(&state->failed, 1);
	return error;
}

static __always_inline long open_shared(struct file *file, const struct inode_key *key)
{
	struct task_struct *current = bpf_get_current_task_btf();
	struct guard_guest *state = second_of_guest(guest_of(current));
	long verdict = take_verdict(key);
	if (verdict)
		return opened(state, verdict);
	count(COUNT_OPENS);
	if (state && state->failed >= GUEST_FAILED)
		return refuse(COUNT_REFUSED);
	struct guard_state *s = guard_state();
	if (s && bpf_get_current_pid_tgid() >> 32 == s->daemon) /* it would wait for itself */
		return refuse(COUNT_REFUSED);
	if (current->flags & PF_KTHREAD || is_internal_mount(file->f_path.mnt))
		return refuse(COUNT_REFUSED);
	bool can_restart = false;
	if (!(current->flags & PF_IO_WORKER)) {
		long number = call_number((struct pt_regs *)bpf_task_pt_regs(current));
		can_restart = opens_by_path(number, abi_of(current));
		if (!can_restart && number != IO_URING_ENTER)
			return refuse(COUNT_REFUSED);
	}
	return opened(state, hand_over(EVENT_OPEN, can_restart, key, file->f_path.dentry));
}

static __always_inline long refuse_guest(void)
{
	return has_other_root(bpf_get_current_task_btf(), true) ? refuse(COUNT_REFUSED) : 0;
}

/* What a guest may not do to a block device below a guarded file system. */
static __always_inline long on_device(struct inode *inode)
{
	u32 device = inode->i_rdev;
	return bpf_map_lookup_elem(&devices, &device) ? refuse_guest() : 0;
}

/* What a guest may not do to the file behind a loop device that holds a guarded file system. */
static __always_inline long on_backing(const struct inode_key *key)
{
	return bpf_map_lookup_elem(&backing, key) ? refuse_guest() : 0;
}

SEC("?lsm.s/file_open")
int BPF_PROG(guard_file_open, struct file *file)
{
	if (!(file->f_mode & FMODE_WRITE) && !(file->f_flags & (O_ACCMODE | O_TRUNC)))
		return 0;
	struct inode *inode = file->f_inode;
	struct inode_key key;
	if ((inode->i_mode & S_IFMT) == S_IFBLK)
		return on_device(inode);
	if (!may_concern(inode, &key))
		return 0;
	return bpf_map_lookup_elem(&marks, &key) ? open_shared(file, &key) : on_backing(&key);
}

/* Whether the caller's user namespace knows the inode's owner: root of `unshare -Ur` has every capability, but
 * only over inodes of owners that are mapped. A map of more than 5 extents (kept elsewhere) counts as knowing. */
static __always_inline bool is_owner_mapped(const struct cred *cred, u32 uid)
{
	struct user_namespace *ns = BPF_CORE_READ(cred, user_ns);
	u32 extents = BPF_CORE_READ(ns, uid_map.nr_extents);
	if (extents > 5)
		return true;
	for (u32 i = 0; i < 5; i++) {
		if (i >= extents)
			break;
		struct uid_gid_extent extent;
		if (bpf_core_read(&extent, sizeof(extent), &ns->uid_map.extent[i]))
			return false;
		if (uid - extent.lower_first < extent.count)
			return true;
	}
	return false;
}

/* The inode's owner as the mount shows it: an id-mapped mount (a container's root on a tree that belongs to the host's
 * root) has a map of its own. A map of more than 5 extents is kept elsewhere: `*known` is false. */
static __always_inline u32 owner_through(struct mnt_idmap *idmap, u32 uid, bool *known)
{
	u32 extents = BPF_CORE_READ(idmap, uid_map.nr_extents);
	*known = extents <= 5;
	for (u32 i = 0; i < 5; i++) {
		if (i >= extents || extents > 5)
			break;
		struct uid_gid_extent extent;
		if (bpf_core_read(&extent, sizeof(extent), &idmap->uid_map.extent[i]))
			break;
		if (uid - extent.first < extent.count)
			return extent.lower_first + (uid - extent.first);
	}
	return extents ? ~0U : uid;
}

/* The kernel checks permission for metadata only after this hook: without this, anybody could have copies made
 * by calls that fail. True when the kernel may still say no is harmless, false when it would say yes is not. */
static __always_inline bool may_change(struct mnt_idmap *idmap, struct inode *inode, u32 valid)
{
	if (valid & (ATTR_SIZE | ATTR_TOUCH))
		return true; /* write permission was checked on the way */
	struct task_struct *current = bpf_get_current_task_btf();
	const struct cred *cred = BPF_CORE_READ(current, cred);
	bool known;
	u32 owner = owner_through(idmap, inode->i_uid.val, &known);
	if (!known || BPF_CORE_READ(cred, fsuid.val) == owner)
		return true;
	u64 capability = 1ULL << (valid & (ATTR_UID | ATTR_GID) ? CAP_CHOWN : CAP_FOWNER);
	return (BPF_CORE_READ(cred, cap_effective.val) & capability) && is_owner_mapped(cred, owner);
}

SEC("?lsm.s/inode_setattr")
int BPF_PROG(guard_inode_setattr, struct mnt_idmap *idmap, struct dentry *dentry, struct iattr *attr)
{
	struct inode *inode = dentry->d_inode;
	struct inode_key key;
	if (!inode || !may_concern(inode, &key))
		return 0;
	if (!bpf_map_lookup_elem(&marks, &key))
		return attr->ia_valid & ATTR_SIZE ? on_backing(&key) : 0;
	struct guard_state *s = guard_state();
	if (s && bpf_get_current_pid_tgid() >> 32 == s->daemon)
		return -EPERM; /* the daemon's own fchmod: its proof that a mark is enforced */
	long verdict = take_verdict(&key);
	if (verdict)
		return verdict;
	count(COUNT_METADATA);
	struct task_struct *current = bpf_get_current_task_btf();
	struct pt_regs *regs = (struct pt_regs *)bpf_task_pt_regs(current);
	long number = call_number(regs);
	enum abi abi = abi_of(current);
	if (current->flags & (PF_KTHREAD | PF_IO_WORKER) || !changes_by_path(number, abi))
		return refuse(COUNT_REFUSED);
	if (lacks_a_path(number, regs, abi))
		return refuse(COUNT_REFUSED);
	if (!may_change(idmap, inode, attr->ia_valid))
		return -EPERM;
	return hand_over(EVENT_METADATA, true, &key, dentry);
}

static __always_inline long refuse_if_shared(struct inode *inode, struct dentry *dentry)
{
	struct inode_key key;
	if (!inode || !is_marked(inode, &key))
		return 0;
	if (inode->i_nlink == 1)
		note(EVENT_ALONE, &key, dentry);
	return refuse(COUNT_REFUSED);
}

SEC("?lsm/inode_setxattr")
int BPF_PROG(guard_inode_setxattr, struct mnt_idmap *idmap, struct dentry *dentry)
{
	return refuse_if_shared(dentry->d_inode, dentry);
}

SEC("?lsm/inode_removexattr")
int BPF_PROG(guard_inode_removexattr, struct mnt_idmap *idmap, struct dentry *dentry)
{
	return refuse_if_shared(dentry->d_inode, dentry);
}

SEC("?lsm/inode_set_acl")
int BPF_PROG(guard_inode_set_acl, struct mnt_idmap *idmap, struct dentry *dentry)
{
	return refuse_if_shared(dentry->d_inode, dentry);
}

SEC("?lsm/inode_remove_acl")
int BPF_PROG(guard_inode_remove_acl, struct mnt_idmap *idmap, struct dentry *dentry)
{
	return refuse_if_shared(dentry->d_inode, dentry);
}

SEC("?lsm/inode_file_setattr")
int BPF_PROG(guard_inode_file_setattr, struct dentry *dentry)
{
	return refuse_if_shared(dentry->d_inode, dentry);
}

/* Those that change another inode than the descriptor's, or what marks are kept by, without any other hook. */
static __always_inline long on_file_system(struct inode *inode)
{
	u32 device = inode->i_sb->s_dev;
	return bpf_map_lookup_elem(&devices, &device) ? refuse_guest() : 0;
}

/* Block devices' own (type 0x12) want a descriptor for writing where they write, but for these; a disk's raw commands do
 * not at all. */
static __always_inline bool is_harmless(unsigned int command)
{
	return command >> 8 == 0x12 && command != IOCTL(0x12, 93) /* BLKROSET */ && command != IOCTL(0x12, 105); /* BLKPG */
}

static __always_inline long on_ioctl(struct file *file, unsigned int command)
{
	struct inode *inode = file->f_inode;
	if ((inode->i_mode & S_IFMT) == S_IFBLK)
		return is_harmless(IOCTL_OF(command)) ? 0 : on_device(inode);
	switch (IOCTL_OF(command)) {
	case IOCTL('f', 2):   /* FS_IOC_SETFLAGS */
	case IOCTL('X', 32):  /* FS_IOC_FSSETXATTR */
	case IOCTL('v', 2):   /* FS_IOC_SETVERSION */
	case IOCTL('f', 4):   /* EXT4_IOC_SETVERSION */
	case IOCTL('f', 9):   /* EXT4_IOC_MIGRATE */
	case IOCTL('f', 133): /* FS_IOC_ENABLE_VERITY */
		return refuse_if_shared(inode, file->f_path.dentry);
	case IOCTL('X', 123): /* XFS_IOC_ATTRMULTI_BY_HANDLE */
	case IOCTL('X', 60):  /* XFS_IOC_SCRUB_METADATA, which repairs as well */
	case IOCTL('X', 64):  /* XFS_IOC_SCRUBV_METADATA */
	case IOCTL('f', 44):  /* EXT4_IOC_SETFSUUID */
	case IOCTL(0x94, 10): /* BTRFS_IOC_ADD_DEV */
	case IOCTL(0x94, 53): /* BTRFS_IOC_DEV_REPLACE */
		return on_file_system(inode);
	}
	return 0;
}

SEC("?lsm/file_ioctl")
int BPF_PROG(guard_file_ioctl, struct file *file, unsigned int command)
{
	return on_ioctl(file, command);
}

SEC("?lsm/file_ioctl_compat")
int BPF_PROG(guard_file_ioctl_compat, struct file *file, unsigned int command)
{
	return on_ioctl(file, command);
}

/* Locks belong to the inode, so they couple the guests that share it: the engine keeps such files apart. A lease would
 * hold up the opens of all others for 45 s each: guests get none. The host's services do, with mount namespaces of their
 * own or without: the agent takes them while it unifies, the daemon while it marks. */
SEC("?lsm/file_lock")
int BPF_PROG(guard_file_lock, struct file *file, unsigned int command)
{
	struct inode_key key;
	struct task_struct *current = bpf_get_current_task_btf();
	if ((file->f_inode->i_mode & S_IFMT) != S_IFREG)
		return 0;
	u32 request = second_argument((struct pt_regs *)bpf_task_pt_regs(current), abi_of(current)); /* the kernel takes 32 bits, too */
	bool leases = request == F_SETLEASE || request == F_SETDELEG;
	if (leases && (command == F_UNLCK || !has_other_root(current, false)))
		return 0;
	key_of(&key, file->f_inode);
	struct guard_mark *mark = bpf_map_lookup_elem(&marks, &key);
	if (mark && leases)
		return refuse(COUNT_REFUSED);
	if (mark && !mark->locked && note(EVENT_LOCKED, &key, file->f_path.dentry))
		mark->locked = 1;
	return 0;
}

/* Whether this name is all that leads to its inode: the only link (its directory is locked, so it stays), the only
 * entry of the name cache, and nobody holds that but the rename that asks. Who has the inode open or mapped, an O_PATH
 * descriptor, a bind mount of the file, an overlay above it or a walk that has got this far holds an entry, if not this
 * one then another (each counts in i_count), perhaps in a guest that has removed its own name: with one of these left
 * the inode is still shared. A link count alone proves nothing, nor do the counts of open files. Pages in pipes are seen by none of these:
 * the daemon looks for them (link-break.c). */
static __always_inline bool is_alone(struct inode *inode, struct dentry *name)
{
	return inode->i_nlink == 1 && inode->i_count.counter == 1 && name->d_lockref.count == 1;
}

static __always_inline bool drop_mark(struct inode *inode, struct dentry *name, const struct guard_rename *expected)
{
	if (!is_alone(inode, name))
		return false;
	if (expected->intent == RENAME_ASK)
		return true;
	bpf_map_delete_elem(&marks, &expected->inode);
	count(COUNT_UNSHARED);
	return true;
}

/* Makes the daemon's rename a compare-and-swap: it runs under the locks of the directories, so a guest that
 * renamed, unlinked or replaced the name meanwhile cannot lose what it put there. */
SEC("?lsm/inode_rename")
int BPF_PROG(guard_inode_rename, struct inode *old_dir, struct dentry *old_dentry, struct inode *new_dir,
	     struct dentry *new_dentry)
{
	struct guard_state *s = guard_state();
	u64 task = bpf_get_current_pid_tgid();
	if (!s || task >> 32 != s->daemon)
		return 0;
	u32 thread = (u32)task;
	struct guard_rename *expected = bpf_map_lookup_elem(&replacing, &thread);
	if (!expected)
		return 0;
	bool replaces = expected->intent == RENAME_REPLACE;
	struct inode *inode = replaces ? new_dentry->d_inode : old_dentry->d_inode;
	struct inode_key key;
	if (!inode)
		return -EAGAIN;
	key_of(&key, inode);
	if (!same_inode(&expected->inode, &key))
		return -EAGAIN;
	if (replaces)
		return 0;
	return drop_mark(inode, old_dentry, expected) ? -ECANCELED : -EAGAIN;
}

/* Where the guard only refuses. The hooks of these kernels take no idmap (inode_setattr), and ACLs pass inode_setxattr. */
SEC("?lsm/file_open")
int BPF_PROG(deny_file_open, struct file *file)
{
	if (!(file->f_mode & FMODE_WRITE) && !(file->f_flags & (O_ACCMODE | O_TRUNC)))
		return 0;
	struct inode *inode = file->f_inode;
	struct inode_key key;
	if ((inode->i_mode & S_IFMT) == S_IFBLK)
		return on_device(inode);
	if (!may_concern(inode, &key))
		return 0;
	return bpf_map_lookup_elem(&marks, &key) ? refuse_if_shared(inode, file->f_path.dentry) : on_backing(&key);
}

SEC("?lsm/inode_setattr")
int BPF_PROG(deny_inode_setattr, struct dentry *dentry)
{
	return refuse_if_shared(dentry->d_inode, dentry);
}
