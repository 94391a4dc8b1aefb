/*
 * ksm-deny CMD [ARG...]: becomes CMD behind a seccomp filter that keeps it and all its descendants out of KSM.
 *
 * Refused with EPERM: prctl(PR_SET_MEMORY_MERGE), madvise(MADV_MERGEABLE) and, since Linux 6.13 lets a process advise
 * itself through it, process_madvise(MADV_MERGEABLE). io_uring_setup answers ENOSYS: IORING_OP_MADVISE reaches the same
 * advice where no seccomp filter sees it. Everything else, MADV_DONTNEED and MADV_FREE above all, is left alone.
 * All of the machine's system call tables are covered (x86-64, i386 and x32; arm64 and arm).
 *
 * With CAP_SYS_ADMIN setuid programs inside keep working; without it no_new_privs must be set first.
 * Exit status: CMD's own; 125 the filter could not be installed, 126/127 CMD cannot run/not found, 2 usage.
 */
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "ksm.h"

struct table {
	uint32_t arch, prctl, madvise, process_madvise, io_uring_setup;
};

#define X32 0x40000000u
/* Numbers from each architecture's syscall table; those above 423 are common to all. */
static const struct table tables[] = {
	{AUDIT_ARCH_X86_64, 157, 28, 440, 425},
	{AUDIT_ARCH_I386, 172, 219, 440, 425},
	{AUDIT_ARCH_AARCH64, 167, 233, 440, 425},
	{AUDIT_ARCH_ARM, 172, 220, 440, 425},
};

#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
/* Arguments are 64 bits; the kernel takes the low half of these (int), which little endian keeps first. */
#define LOAD_ARG(n) LOAD(args[n])
#define RETURN(value) BPF_STMT(BPF_RET | BPF_K, (value))
#define SKIP_UNLESS(value, count) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (value), 0, (count))

/* Adds: if nr == number and argument arg == value, refuse. Leaves the accumulator holding the number again. */
static size_t refuse(struct sock_filter *out, uint32_t number, int arg, uint32_t value) {
	const struct sock_filter part[] = {
		SKIP_UNLESS(number, 4),
		arg == 0 ? (struct sock_filter)LOAD_ARG(0) : arg == 2 ? (struct sock_filter)LOAD_ARG(2) : (struct sock_filter)LOAD_ARG(3),
		SKIP_UNLESS(value, 1),
		RETURN(SECCOMP_RET_ERRNO | EPERM),
		RETURN(SECCOMP_RET_ALLOW),
	};
	memcpy(out, part, sizeof part);
	return sizeof part / sizeof *part;
}

static size_t build(struct sock_filter *filter) {
	size_t n = 0;
	for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
		const struct table *t = &tables[i];
		filter[n++] = (struct sock_filter)LOAD(arch);
		size_t skip = n++;
		filter[n++] = (struct sock_filter)LOAD(nr);
		if (t->arch == AUDIT_ARCH_X86_64) filter[n++] = (struct sock_filter)BPF_STMT(BPF_ALU | BPF_AND | BPF_K, ~X32);
		n += refuse(filter + n, t->prctl, 0, KSM_PR_SET_MEMORY_MERGE);
		n += refuse(filter + n, t->madvise, 2, KSM_MADV_MERGEABLE);
		n += refuse(filter + n, t->process_madvise, 3, KSM_MADV_MERGEABLE);
		filter[n++] = (struct sock_filter)SKIP_UNLESS(t->io_uring_setup, 1);
		filter[n++] = (struct sock_filter)RETURN(SECCOMP_RET_ERRNO | ENOSYS);
		filter[n++] = (struct sock_filter)RETURN(SECCOMP_RET_ALLOW);
		filter[skip] = (struct sock_filter)SKIP_UNLESS(t->arch, n - skip - 1);
	}
	filter[n++] = (struct sock_filter)RETURN(SECCOMP_RET_ALLOW);
	return n;
}

int main(int argc, char **argv) {
	if (argc < 2) {
		fprintf(stderr, "usage: ksm-deny CMD [ARG...]\n");
		return 2;
	}
	struct sock_filter filter[128];
	struct sock_fprog program = {.len = (unsigned short)build(filter), .filter = filter};
	/* An earlier opt-in would outlive the filter: it is inherited, so it is taken back first. */
	if (prctl(KSM_PR_SET_MEMORY_MERGE, 0, 0, 0, 0) != 0 && errno != EINVAL && errno != EPERM) {
		fprintf(stderr, "ksm-deny: cannot opt out first: %s\n", strerror(errno));
		return 125;
	}
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) != 0 &&
	    (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) != 0)) {
		fprintf(stderr, "ksm-deny: cannot install the filter: %s\n", strerror(errno));
		return 125;
	}
	execvp(argv[1], argv + 1);
	fprintf(stderr, "ksm-deny: %s: %s\n", argv[1], strerror(errno));
	return errno == ENOENT ? 127 : 126;
}
