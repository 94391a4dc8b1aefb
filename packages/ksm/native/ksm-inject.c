/*
 * ksm-inject on|off|reset PID[:STARTTIME]...: makes running processes call prctl(PR_SET_MEMORY_MERGE) on themselves.
 *
 * Mainline has no remote opt-in, so the call is injected: stop one thread, point it at a `syscall` instruction that its
 * own address space already holds (nothing is written into the target's memory), run the prctl, put every register back.
 * The flag belongs to the address space, so one thread is enough. The stop lasts about 0.1 ms for `on`; `off` lasts as
 * long as the kernel takes to give private copies back.
 * STARTTIME (field 22 of /proc/PID/stat) tells the process meant from a later one with the same number.
 * `reset` is on, then off: it also withdraws areas that a program advised by itself with MADV_MERGEABLE.
 *
 * One line per process on stdout: `PID OUTCOME [DETAIL]`, OUTCOME being one of
 *   done              the prctl returned 0
 *   gone              the process ended, before or during
 *   zombie            nothing left to opt in
 *   kernel-thread     no address space
 *   refused-seccomp   its own filter (or KSM deny profile) forbids the call; not injected
 *   busy              did not stop, or did not go on, in time (uninterruptible sleep, vfork, a frozen control group);
 *                     a later scan tries again
 *   traced            a debugger holds it
 *   unsupported       32-bit program, no vDSO, a program that catches system calls itself (syscall user dispatch), or a
 *                     machine this injector does not know
 *   denied            no permission to trace it
 *   failed            the prctl or ptrace failed, or the target changed the code that was to be run; DETAIL says which
 * Exit status: 0 when every line was printed, 2 usage.
 *
 * Each target is handled by a child of its own: whatever one target does, the others' outcomes are reported, and the
 * kernel detaches a target whose tracer has ended. Reading a target's memory can take as long as the target likes (a page
 * of a FUSE file that its server never delivers), and then nothing ends the reader: a child that is still looking after
 * LOOK_MS is left behind, too, and its target is reported busy. A target that is held inside the kernel with borrowed registers (frozen
 * at that very moment) is reported busy; its child stays behind, alone, and puts the registers back when it is let go.
 * A child says its line through a pipe: one that stays behind holds nothing open that anybody reads to its end.
 */
#define _GNU_SOURCE
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <dirent.h>
#include <inttypes.h>
#include <poll.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <linux/audit.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "ksm.h"

/*
 * A target that does not stop, or does not go on, for so long without using its processor is held by something. Long enough
 * for a busy machine to schedule a runnable one. After the first such target the others of the run get less: a frozen
 * guest has many.
 */
#define PATIENCE_MS 1000
#define SHORT_PATIENCE_MS 100
static int patience_ms = PATIENCE_MS;

/* The exit status of a child whose target was held. */
#define EXIT_HELD 3

/* A child that is still looking at its target after so long is left behind: a busy machine needs milliseconds. */
#define LOOK_MS 5000
/* What a child writes before its line, once it is done looking and goes in, and after it, if it does not end with it. */
#define GOES_IN '!'
#define STAYS '+'

/* Where lines go: a child's way to its parent, the parent's own output. */
static int out = STDOUT_FILENO;
static int stays_behind;

static void say(pid_t pid, const char *outcome, const char *detail) {
	if (stays_behind) return; /* said already */
	/* One write a line, shorter than PIPE_BUF: it arrives whole. */
	char line[256];
	int n = snprintf(line, sizeof line, "%d %s%s%s\n", pid, outcome, *detail ? " " : "", detail);
	if (write(out, line, (size_t)n) != n) _exit(1);
}

static _Noreturn void finish(pid_t pid, const char *outcome, const char *detail) {
	say(pid, outcome, detail);
	_exit(0);
}

static _Noreturn void finish_held(pid_t pid, const char *detail) {
	say(pid, "busy", detail);
	_exit(EXIT_HELD);
}

/* Reports the target and lets the parent go on; this child waits for the target as long as it takes. */
static void stay_behind(pid_t pid) {
	say(pid, "busy", "held inside the kernel; its registers are put back when it is let go");
	stays_behind = 1;
	if (write(out, (const char[]){STAYS}, 1) != 1) _exit(1);
	close(out); /* the parent reads it to its end */
}

static _Noreturn void finish_errno(pid_t pid, int error) {
	if (error == ESRCH) finish(pid, "gone", "");
	if (error == EPERM || error == EACCES) finish(pid, "denied", "needs CAP_SYS_PTRACE over this process");
	finish(pid, "failed", strerror(error));
}

/* The value of `Key:` in a status file, or -1. `State:` answers its letter. */
static long status_field(pid_t pid, pid_t tid, const char *key) {
	char path[64], line[256];
	snprintf(path, sizeof path, "/proc/%d/task/%d/status", pid, tid);
	FILE *f = fopen(path, "re");
	if (!f) return -1;
	long value = -1;
	size_t length = strlen(key);
	while (fgets(line, sizeof line, f))
		if (strncmp(line, key, length) == 0 && line[length] == ':') {
			const char *at = line + length + 1 + strspn(line + length + 1, " \t");
			value = *at >= 'A' && *at <= 'z' ? *at : strtol(at, NULL, 10);
			break;
		}
	fclose(f);
	return value;
}

/* PF_KTHREAD of include/linux/sched.h, as field 9 of /proc/PID/stat shows it. */
#define KERNEL_THREAD 0x00200000

/* A field of a thread's stat file, counted after the command name, which may hold spaces and parentheses. 0: no such thread. */
static unsigned long long thread_stat_field(pid_t pid, pid_t tid, int number) {
	char path[64], text[1024];
	if (tid) snprintf(path, sizeof path, "/proc/%d/task/%d/stat", pid, tid);
	else snprintf(path, sizeof path, "/proc/%d/stat", pid);
	FILE *f = fopen(path, "re");
	if (!f) return 0;
	size_t n = fread(text, 1, sizeof text - 1, f);
	fclose(f);
	text[n] = '\0';
	char *at = strrchr(text, ')');
	for (int field = 2; at && field < number; field++) at = strchr(at + 1, ' ');
	return at ? strtoull(at, NULL, 10) : 0;
}

static unsigned long long stat_field(pid_t pid, int number) {
	return thread_stat_field(pid, 0, number);
}

/* A thread that can run the call: the leader may have ended while its threads live on. 0: none. */
static pid_t live_thread(pid_t pid) {
	char path[64];
	snprintf(path, sizeof path, "/proc/%d/task", pid);
	DIR *dir = opendir(path);
	if (!dir) return 0;
	pid_t found = 0;
	for (struct dirent *e; !found && (e = readdir(dir));) {
		pid_t tid = atoi(e->d_name);
		if (tid <= 0) continue;
		long state = status_field(pid, tid, "State");
		if (state != 'Z' && state != 'X' && state != -1) found = tid;
	}
	closedir(dir);
	return found;
}

/* Waits for tid to stop. Answers its wait status, -1 when it ended, -2 when the time (0: no limit) is over. */
static int wait_stop(pid_t tid, int timeout_ms) {
	const struct timespec nap = {.tv_nsec = 50 * 1000};
	struct timespec start, now;
	clock_gettime(CLOCK_MONOTONIC, &start);
	for (;;) {
		int status;
		pid_t got = waitpid(tid, &status, __WALL | (timeout_ms ? WNOHANG : 0));
		if (got == tid) return WIFSTOPPED(status) ? status : -1;
		if (got < 0 && errno != EINTR) return -1;
		clock_gettime(CLOCK_MONOTONIC, &now);
		long waited = (now.tv_sec - start.tv_sec) * 1000 + (now.tv_nsec - start.tv_nsec) / 1000000;
		if (timeout_ms && waited > timeout_ms) return -2;
		if (timeout_ms) nanosleep(&nap, NULL);
	}
}

#if defined(__x86_64__)
#define NATIVE_ARCH AUDIT_ARCH_X86_64
#define PRCTL_NUMBER 157
/* The classic BPF machine over one system call, as the kernel runs it (include/uapi/linux/bpf_common.h). */
static uint32_t run_filter(const struct sock_filter *code, size_t count, const struct seccomp_data *data) {
	uint32_t a = 0, x = 0, mem[BPF_MEMWORDS] = {0};
	for (size_t pc = 0; pc < count; pc++) {
		const struct sock_filter *f = &code[pc];
		uint32_t k = BPF_SRC(f->code) == BPF_X ? x : f->k;
		switch (BPF_CLASS(f->code)) {
		case BPF_LD:
			if (BPF_MODE(f->code) == BPF_ABS && f->k + 4 <= sizeof *data) memcpy(&a, (const char *)data + f->k, 4);
			else if (BPF_MODE(f->code) == BPF_IMM) a = f->k;
			else if (BPF_MODE(f->code) == BPF_MEM) a = mem[f->k % BPF_MEMWORDS];
			else if (BPF_MODE(f->code) == BPF_LEN) a = sizeof *data;
			else return SECCOMP_RET_KILL_PROCESS;
			break;
		case BPF_LDX:
			if (BPF_MODE(f->code) == BPF_IMM) x = f->k;
			else if (BPF_MODE(f->code) == BPF_MEM) x = mem[f->k % BPF_MEMWORDS];
			else if (BPF_MODE(f->code) == BPF_LEN) x = sizeof *data;
			else return SECCOMP_RET_KILL_PROCESS;
			break;
		case BPF_ST: mem[f->k % BPF_MEMWORDS] = a; break;
		case BPF_STX: mem[f->k % BPF_MEMWORDS] = x; break;
		case BPF_ALU:
			switch (BPF_OP(f->code)) {
			case BPF_ADD: a += k; break;
			case BPF_SUB: a -= k; break;
			case BPF_MUL: a *= k; break;
			case BPF_DIV: if (k == 0) return 0; a /= k; break;
			case BPF_OR: a |= k; break;
			case BPF_AND: a &= k; break;
			case BPF_LSH: a <<= k & 31; break;
			case BPF_RSH: a >>= k & 31; break;
			case BPF_XOR: a ^= k; break;
			case BPF_NEG: a = -a; break;
			default: return SECCOMP_RET_KILL_PROCESS;
			}
			break;
		case BPF_JMP: {
			int taken;
			switch (BPF_OP(f->code)) {
			case BPF_JA: pc += f->k; continue;
			case BPF_JEQ: taken = a == k; break;
			case BPF_JGT: taken = a > k; break;
			case BPF_JGE: taken = a >= k; break;
			case BPF_JSET: taken = (a & k) != 0; break;
			default: return SECCOMP_RET_KILL_PROCESS;
			}
			pc += taken ? f->jt : f->jf;
			break;
		}
		case BPF_RET: return BPF_RVAL(f->code) == BPF_A ? a : f->k;
		case BPF_MISC:
			if (BPF_MISCOP(f->code) == BPF_TAX) x = a;
			else a = x;
			break;
		}
	}
	return SECCOMP_RET_KILL_PROCESS;
}

/*
 * Would any of the thread's filters do anything but allow the call? A filter may kill for an unexpected prctl, so the
 * question is answered by running copies of its filters here, never by trying. Unreadable filters count as forbidding.
 */
static int forbidden_by_seccomp(pid_t pid, pid_t tid, uint64_t ip) {
	long mode = status_field(pid, tid, "Seccomp");
	if (mode == 0) return 0;
	if (mode != SECCOMP_MODE_FILTER) return 1;
	struct seccomp_data data = {.nr = PRCTL_NUMBER, .arch = NATIVE_ARCH, .instruction_pointer = ip};
	data.args[0] = KSM_PR_SET_MEMORY_MERGE;
	for (int value = 0; value <= 1; value++) {
		data.args[1] = (uint64_t)value;
		for (unsigned long i = 0;; i++) {
			long count = ptrace(PTRACE_SECCOMP_GET_FILTER, tid, (void *)i, NULL);
			if (count < 0) {
				if (errno == ENOENT && i > 0) break; /* past the oldest filter */
				return 1;
			}
			struct sock_filter *code = calloc((size_t)count, sizeof *code);
			if (!code || ptrace(PTRACE_SECCOMP_GET_FILTER, tid, (void *)i, code) != count) return 1;
			uint32_t action = run_filter(code, (size_t)count, &data) & SECCOMP_RET_ACTION_FULL;
			free(code);
			if (action != SECCOMP_RET_ALLOW && action != SECCOMP_RET_LOG) return 1;
		}
	}
	return 0;
}

/*
 * The address of a `syscall` instruction (0f 05) in the target's vDSO; 0: none. Only there: reading it cannot block, while
 * a page of a file can (FUSE, NFS). The kernel's name for it stands alone, and files have names that begin with a slash.
 */
static uint64_t find_syscall(pid_t pid) {
	char path[64], *line = NULL;
	size_t room = 0;
	snprintf(path, sizeof path, "/proc/%d/maps", pid);
	FILE *maps = fopen(path, "re");
	uint64_t start = 0, end = 0;
	for (int found = 0; maps && !found && getline(&line, &room, maps) > 0;) {
		int name = 0;
		found = sscanf(line, "%" SCNx64 "-%" SCNx64 " r-xp %*s %*s %*s %n", &start, &end, &name) == 2 && name && strcmp(line + name, "[vdso]\n") == 0;
		if (!found) start = end = 0;
	}
	if (maps) fclose(maps);
	free(line);
	static unsigned char code[65536];
	size_t size = end - start < sizeof code ? (size_t)(end - start) : sizeof code;
	snprintf(path, sizeof path, "/proc/%d/mem", pid);
	int mem = size ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	ssize_t got = mem < 0 ? 0 : pread(mem, code, size, (off_t)start);
	if (mem >= 0) close(mem);
	unsigned char *hit = got > 1 ? memmem(code, (size_t)got, "\x0f\x05", 2) : NULL;
	return hit ? start + (uint64_t)(hit - code) : 0;
}

/* linux/ptrace.h has these from 6.4 and 5.13 on; libc's headers, older, cannot be included beside it. */
#define KSM_PTRACE_GET_SYSCALL_USER_DISPATCH_CONFIG 0x4211
#define KSM_PTRACE_GET_RSEQ_CONFIGURATION 0x420f

/* Does the thread turn its own system calls into signals (Wine)? The injected one would become SIGSYS, and cost it its handler. */
static int catches_syscalls(pid_t tid) {
	struct {
		uint64_t mode, selector, offset, len;
	} config = {0};
	return ptrace(KSM_PTRACE_GET_SYSCALL_USER_DISPATCH_CONFIG, tid, (void *)sizeof config, &config) == 0 && config.mode != 0;
}

/*
 * Is the thread inside a restartable sequence (rseq(2))? Leaving it for another address makes the kernel forget it, and
 * the thread would go on in its middle, perhaps on another processor, where it had to begin anew.
 */
static int in_restartable_sequence(pid_t pid, pid_t tid, const struct user_regs_struct *regs) {
	if (regs->orig_rax != (unsigned long long)-1) return 0; /* in a system call, which no sequence may make */
	struct {
		uint64_t pointer;
		uint32_t size, signature, flags, pad;
	} config = {0};
	if (ptrace(KSM_PTRACE_GET_RSEQ_CONFIGURATION, tid, (void *)sizeof config, &config) < 0 || !config.pointer) return 0;
	/* struct rseq: rseq_cs after two 32-bit processor numbers. struct rseq_cs: two 32-bit words, start, length, abort address. */
	uint64_t current = 0, sequence[4] = {0};
	struct iovec local = {&current, sizeof current}, remote = {(void *)(uintptr_t)(config.pointer + 8), sizeof current};
	if (process_vm_readv(pid, &local, 1, &remote, 1, 0) != (ssize_t)sizeof current || !current) return 0;
	local = (struct iovec){sequence, sizeof sequence};
	remote = (struct iovec){(void *)(uintptr_t)current, sizeof sequence};
	if (process_vm_readv(pid, &local, 1, &remote, 1, 0) != (ssize_t)sizeof sequence) return 0;
	return regs->rip - sequence[1] < sequence[2];
}

/* Waits for a stop for as long as the thread uses its processor (un-merging takes long), and the patience beyond. -2: held. */
static int wait_working(pid_t pid, pid_t tid) {
	for (unsigned long long before = ~0ULL;;) {
		int status = wait_stop(tid, patience_ms);
		if (status != -2) return status;
		unsigned long long used = thread_stat_field(pid, tid, 14) + thread_stat_field(pid, tid, 15);
		if (used == before) return -2;
		before = used;
	}
}

/*
 * The next stop of a thread that was let go with borrowed registers. One that is held is interrupted: it then stops where
 * it is, unless it is held where only the end of what holds it helps. Only inside the call may it work for long: before,
 * one instruction is all that it has to run, and a thread that uses its processor runs something else.
 */
static int was_held;
/* SIGSTOP cannot be blocked: one that came in between is sent again at the end. */
static int was_stopped;
static int next_stop(pid_t pid, pid_t tid, int is_working) {
	int status = is_working ? wait_working(pid, tid) : wait_stop(tid, patience_ms);
	if (status != -2) return status;
	was_held = 1;
	if (ptrace(PTRACE_INTERRUPT, tid, NULL, NULL) != 0) return -1;
	status = wait_stop(tid, patience_ms);
	if (status != -2) return status;
	if (!stays_behind) stay_behind(pid);
	return wait_stop(tid, 0);
}

/*
 * At the entry of a system call: is it ours? A target may write its own code to where the vDSO's was found. Its call is then
 * turned into none.
 */
static int is_our_call(pid_t tid, uint64_t ip, unsigned long value) {
	struct user_regs_struct regs;
	if (ptrace(PTRACE_GETREGS, tid, NULL, &regs) != 0) return 0;
	if (regs.orig_rax == PRCTL_NUMBER && regs.rdi == KSM_PR_SET_MEMORY_MERGE && regs.rsi == value && regs.rip == ip + 2) return 1;
	regs.orig_rax = (unsigned long long)-1;
	ptrace(PTRACE_SETREGS, tid, NULL, &regs);
	return 0;
}

/*
 * Runs one prctl in the stopped thread. Answers its result (-errno on failure); -EOWNERDEAD: the target ended; -ETIME: it
 * was held before it could run the call, and stands still again; -ENOEXEC: what it ran was not the call, and it stands still.
 */
static long inject_prctl(pid_t pid, pid_t tid, const struct user_regs_struct *saved, uint64_t ip, unsigned long value) {
	struct user_regs_struct regs = *saved;
	regs.rip = ip;
	regs.rax = PRCTL_NUMBER;
	regs.orig_rax = (unsigned long long)-1; /* not inside a system call: the kernel must not apply restart rules to this one */
	regs.rdi = KSM_PR_SET_MEMORY_MERGE;
	regs.rsi = value;
	regs.rdx = regs.r10 = regs.r8 = 0;
	if (ptrace(PTRACE_SETREGS, tid, NULL, &regs) != 0) return -errno;
	/* Entry stop, then exit stop. All signals are blocked, so nothing but SIGKILL comes between. */
	int changed = 0;
	for (int stops = 0; stops < 2;) {
		if (ptrace(PTRACE_SYSCALL, tid, NULL, NULL) != 0) return errno == ESRCH ? -EOWNERDEAD : -errno;
		int status = next_stop(pid, tid, stops == 1);
		if (status < 0) return -EOWNERDEAD;
		if (WSTOPSIG(status) == (SIGTRAP | 0x80)) {
			if (stops++ == 0 && !is_our_call(tid, ip, value)) changed = 1;
		}
		/* A signal although all are blocked: the instruction itself brought it about. It is not delivered. */
		else if (status >> 16 == 0 && WSTOPSIG(status) != SIGSTOP) return -ENOEXEC;
		else if (status >> 16 == 0) was_stopped = 1;
		/* Interrupted before it came to the call: nothing was done, and it stops where registers can be put back. */
		else if (was_held && status >> 16 == PTRACE_EVENT_STOP && stops == 0) return -ETIME;
	}
	if (ptrace(PTRACE_GETREGS, tid, NULL, &regs) != 0) return -EOWNERDEAD;
	/*
	 * Stop once more on the way back to user space, inside signal handling: registers restored there get the kernel's own
	 * system call restart (nanosleep, poll, futex with their remaining time) instead of a leaked -ERESTARTSYS.
	 */
	if (ptrace(PTRACE_INTERRUPT, tid, NULL, NULL) != 0 || ptrace(PTRACE_CONT, tid, NULL, NULL) != 0) return -EOWNERDEAD;
	for (;;) {
		int status = next_stop(pid, tid, 0);
		if (status < 0) return -EOWNERDEAD;
		if (status >> 16 == PTRACE_EVENT_STOP) break;
		if (WSTOPSIG(status) == SIGSTOP) was_stopped = 1;
		if (ptrace(PTRACE_CONT, tid, NULL, NULL) != 0) return -EOWNERDEAD;
	}
	return changed ? -ENOEXEC : (long)regs.rax;
}

/* include/linux/errno.h, never seen by programs: un-merging answers it when the freezer wakes the thread in the middle of it. */
#define KERNEL_ERESTARTSYS 512
/* An un-merge that was interrupted has changed nothing (ksm_disable_merge_any() in mm/ksm.c) and is tried again so often. */
#define TRIES 5

static int was_interrupted(long result) {
	return result == -KERNEL_ERESTARTSYS || result == -EINTR;
}

static long inject_until_done(pid_t pid, pid_t tid, const struct user_regs_struct *saved, uint64_t ip, unsigned long value) {
	long result = -EINTR;
	for (int tries = 0; tries < TRIES && was_interrupted(result); tries++) result = inject_prctl(pid, tid, saved, ip, value);
	return result;
}

static _Noreturn void inject(pid_t pid, unsigned long long started, const char *mode) {
	pid_t tid = live_thread(pid);
	if (!tid) finish(pid, status_field(pid, pid, "State") == 'Z' ? "zombie" : "gone", "");
	if (stat_field(pid, 9) & KERNEL_THREAD) finish(pid, "kernel-thread", "");
	if (status_field(pid, tid, "VmSize") < 0) finish(pid, "gone", ""); /* ending: its memory is given back already */
	if (status_field(pid, tid, "TracerPid") > 0) finish(pid, "traced", "a debugger is attached");

	/* A signal to this child between the register writes would leave the target at a borrowed address. */
	sigset_t all;
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, NULL);

	if (ptrace(PTRACE_SEIZE, tid, NULL, (void *)PTRACE_O_TRACESYSGOOD) != 0) {
		int error = errno;
		/* A process that is ending answers EPERM, like one that may not be traced. */
		finish_errno(pid, status_field(pid, tid, "VmSize") < 0 ? ESRCH : error);
	}
	/* Between the look and the seizing the process may have ended, and its number or its thread's have gone to another one. */
	if (started && stat_field(pid, 22) != started) finish(pid, "gone", "");
	if (status_field(pid, tid, "Tgid") != pid) finish(pid, "gone", "");
	if (ptrace(PTRACE_INTERRUPT, tid, NULL, NULL) != 0) finish_errno(pid, errno);
	int status;
	while ((status = wait_stop(tid, patience_ms)) >= 0 && status >> 16 != PTRACE_EVENT_STOP)
		/* A signal on its way in: let it be handled, the interrupt is still pending. */
		if (ptrace(PTRACE_CONT, tid, NULL, (void *)(long)WSTOPSIG(status)) != 0) break;
	if (status == -2) finish_held(pid, "did not stop");
	if (status < 0) finish(pid, "gone", "");

	struct user_regs_struct saved;
	struct iovec io = {&saved, sizeof saved};
	if (ptrace(PTRACE_GETREGSET, tid, (void *)NT_PRSTATUS, &io) != 0) finish_errno(pid, errno);
	/* 0x33 is the 64-bit user code segment; a 32-bit program has another register set and another call table. */
	if (io.iov_len != sizeof saved || saved.cs != 0x33) finish(pid, "unsupported", "32-bit program");
	uint64_t ip = find_syscall(pid);
	int forbidden = ip && forbidden_by_seccomp(pid, tid, ip + 2); /* a filter sees where the call returns to */
	int restartable = in_restartable_sequence(pid, tid, &saved);
	/* Killed meanwhile, it can be looked into no more, and what was read says nothing. */
	errno = 0;
	if (ptrace(PTRACE_PEEKUSER, tid, NULL, NULL) == -1 && errno == ESRCH) finish(pid, "gone", "");
	if (!ip) finish(pid, "unsupported", "no vDSO");
	if (forbidden) finish(pid, "refused-seccomp", "");
	if (catches_syscalls(tid)) finish(pid, "unsupported", "it catches system calls itself (syscall user dispatch)");
	if (restartable) finish(pid, "busy", "inside a restartable sequence");
	/* From here on its registers are borrowed, and the parent waits. A parent that has given up has said so already. */
	if (write(out, (const char[]){GOES_IN}, 1) != 1) _exit(0);

	uint64_t old_mask, full_mask = ~UINT64_C(0);
	if (ptrace(PTRACE_GETSIGMASK, tid, (void *)sizeof old_mask, &old_mask) != 0 ||
	    ptrace(PTRACE_SETSIGMASK, tid, (void *)sizeof full_mask, &full_mask) != 0)
		finish_errno(pid, errno);
	long result = 0;
	if (strcmp(mode, "off") != 0) result = inject_until_done(pid, tid, &saved, ip, 1);
	if (result == 0 && strcmp(mode, "on") != 0) result = inject_until_done(pid, tid, &saved, ip, 0);
	if (result == -EOWNERDEAD) finish(pid, "gone", "");
	if (ptrace(PTRACE_SETREGS, tid, NULL, &saved) != 0 || ptrace(PTRACE_SETSIGMASK, tid, (void *)sizeof old_mask, &old_mask) != 0)
		finish_errno(pid, errno);
	if (was_stopped) kill(pid, SIGSTOP);
	if (ptrace(PTRACE_DETACH, tid, NULL, NULL) != 0) finish_errno(pid, errno);
	if (was_interrupted(result)) finish(pid, "busy", "interrupted again and again");
	if (result == -ETIME) finish_held(pid, "frozen, or held by something else");
	if (result == -ENOEXEC) finish(pid, "failed", "it changed the code that was to be run");
	if (result != 0) finish(pid, "failed", strerror((int)-result));
	finish(pid, "done", "");
}
#else
static _Noreturn void inject(pid_t pid, unsigned long long started, const char *mode) {
	(void)mode;
	(void)started;
	finish(pid, "unsupported", "this machine's architecture");
}
#endif

/* Hears a child out and says its line, or says that it is left behind. */
static void attend(pid_t pid, pid_t child, int from) {
	char said[512];
	size_t n = 0;
	/* A child that looks at its target has so long; one that has gone in is waited for, whatever it takes. */
	for (int goes_in = 0;;) {
		struct pollfd ready = {.fd = from, .events = POLLIN};
		int got = poll(&ready, 1, goes_in ? -1 : LOOK_MS);
		if (got < 0 && errno == EINTR) continue;
		if (got == 0) {
			say(pid, "busy", "its memory cannot be read in time");
			patience_ms = SHORT_PATIENCE_MS;
			return;
		}
		ssize_t length = read(from, said + n, sizeof said - n);
		if (length <= 0) break;
		goes_in = goes_in || said[0] == GOES_IN;
		n += (size_t)length;
	}
	const char *line = n && said[0] == GOES_IN ? said + 1 : said, *end = memchr(said, '\n', n);
	if (!end) say(pid, "failed", "the injector ended early");
	else if (write(STDOUT_FILENO, line, (size_t)(end + 1 - line)) != end + 1 - line) _exit(1);
	int status = 0;
	if (n && said[n - 1] == STAYS) patience_ms = SHORT_PATIENCE_MS;
	else
		while (waitpid(child, &status, 0) < 0 && errno == EINTR) {}
	if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_HELD) patience_ms = SHORT_PATIENCE_MS;
}

int main(int argc, char **argv) {
	if (argc < 3 || (strcmp(argv[1], "on") && strcmp(argv[1], "off") && strcmp(argv[1], "reset"))) {
		fprintf(stderr, "usage: ksm-inject on|off|reset PID[:STARTTIME]...\n");
		return 2;
	}
	for (int i = 2; i < argc; i++) {
		char *rest;
		pid_t pid = (pid_t)strtol(argv[i], &rest, 10);
		unsigned long long started = *rest == ':' ? strtoull(rest + 1, NULL, 10) : 0;
		if (pid <= 1) {
			fprintf(stderr, "ksm-inject: not a process that can be opted in: %s\n", argv[i]);
			return 2;
		}
		int ends[2];
		if (pipe2(ends, O_CLOEXEC) != 0) {
			say(pid, "failed", strerror(errno));
			continue;
		}
		pid_t child = fork();
		if (child == 0) {
			close(ends[0]);
			out = ends[1];
			close(STDOUT_FILENO); /* who reads there waits for its end, and this child may stay behind */
			close(STDERR_FILENO);
			inject(pid, started, argv[1]);
		}
		close(ends[1]);
		if (child < 0) say(pid, "failed", strerror(errno));
		else attend(pid, child, ends[0]);
		close(ends[0]);
	}
	return 0;
}
