/*
 * hostile-guest MODE [FILE]: a program that an injected system call can harm, or that harms the injector. MODE is one of
 *   dispatch   has its own system calls turned into signals, as Wine does
 *   sequence   spends its time inside a restartable sequence
 *   rewrite    puts an endless loop where its vDSO makes a system call, whenever it is traced
 *   bare       has no vDSO, but FILE mapped as code
 * Prints `ready`, then answers each line on stdin: `whole`, or what was lost.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define SYS_USER_DISPATCH 59 /* PR_SET_SYSCALL_USER_DISPATCH, Linux 5.11 */
#define SIGNATURE 0x53053053

static const char *mode;

/* dispatch: everything outside this program's own code becomes SIGSYS; the vDSO is outside. */
static volatile char selector;
static void caught(int signal) {
	(void)signal;
	selector = 0;
}

/* sequence */
static struct {
	uint32_t processor, id;
	volatile uint64_t current;
	uint32_t flags, rest[3];
} __attribute__((aligned(32))) area;
struct sequence {
	uint32_t version, flags;
	uint64_t start, length, abort;
} __attribute__((aligned(32)));
static struct sequence sequence;

static _Noreturn void stay_in_sequence(void) {
	__asm__ volatile("leaq 1f(%%rip), %%rax\n movq %%rax, 8(%0)\n"
			 "leaq 4f(%%rip), %%rax\n movq %%rax, 24(%0)\n"
			 "movq $(2f - 1f), 16(%0)\n"
			 "jmp 3f\n"
			 ".long %c2\n"
			 "4:\n" /* begins anew, as the kernel demands after every interruption */
			 "3: movq %0, 8(%1)\n"
			 "1: pause\n jmp 1b\n"
			 "2: ud2\n"
			 :: "r"(&sequence), "r"(&area), "i"(SIGNATURE) : "rax", "memory");
	__builtin_unreachable();
}

static int has_sequence(void) {
	for (int tries = 0; tries < 100; tries++) {
		if (area.current == (uintptr_t)&sequence) return 1;
		usleep(1000);
	}
	return 0;
}

/* The vDSO's place, 0 where it is gone. */
static uintptr_t vdso(size_t *size) {
	FILE *maps = fopen("/proc/self/maps", "r");
	char line[512];
	unsigned long start, end, found = 0;
	while (maps && fgets(line, sizeof line, maps))
		if (strstr(line, "[vdso]") && sscanf(line, "%lx-%lx", &start, &end) == 2) found = start, *size = end - start;
	if (maps) fclose(maps);
	return found;
}

static char leader_state(void) {
	static int fd = -1;
	char path[64], text[512];
	snprintf(path, sizeof path, "/proc/self/task/%d/stat", getpid());
	if (fd < 0) fd = open(path, O_RDONLY);
	ssize_t n = pread(fd, text, sizeof text - 1, 0);
	text[n > 0 ? n : 0] = '\0';
	char *at = strrchr(text, ')');
	return at ? at[2] : '?';
}

static void *rewrite(void *call) {
	int mem = open("/proc/self/mem", O_RDWR);
	for (unsigned delay = 0;; delay = (delay + 7) % 300) {
		while (leader_state() != 't') {}
		for (volatile unsigned i = 0; i < delay * 100; i++) {}
		if (pwrite(mem, "\xeb\xfe", 2, (off_t)(uintptr_t)call) != 2) _exit(1);
		while (leader_state() != 'S') usleep(100);
		if (pwrite(mem, "\x0f\x05", 2, (off_t)(uintptr_t)call) != 2) _exit(1);
	}
	return NULL;
}

static void *answer(void *none) {
	char line[64];
	puts("ready");
	fflush(stdout);
	while (fgets(line, sizeof line, stdin)) {
		struct sigaction now = {0};
		if (!strcmp(mode, "sequence")) puts(has_sequence() ? "whole" : "the sequence is forgotten");
		else if (!strcmp(mode, "dispatch")) puts(sigaction(SIGSYS, NULL, &now) == 0 && now.sa_handler == caught && selector ? "whole" : "the handler is gone");
		else puts("whole");
		fflush(stdout);
	}
	_exit(0);
	return none;
}

int main(int argc, char **argv) {
	if (argc < 2) return 2;
	mode = argv[1];
	size_t size = 0;
	uintptr_t start = vdso(&size);
	pthread_t thread;
	if (!strcmp(mode, "dispatch")) {
		extern char __executable_start, etext;
		signal(SIGSYS, caught);
		if (prctl(SYS_USER_DISPATCH, 1, &__executable_start, &etext - &__executable_start, &selector) != 0) return 1;
		selector = 1;
	} else if (!strcmp(mode, "rewrite")) {
		char *call = memmem((void *)start, size, "\x0f\x05", 2);
		/* Whoever asks its filters what they allow needs time for that, which is the time to rewrite in. */
		struct sock_filter allow = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
		struct sock_fprog program = {1, &allow};
		prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
		for (int i = 0; i < 100; i++) prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0);
		if (!call || pthread_create(&thread, NULL, rewrite, call) != 0) return 1;
	} else if (!strcmp(mode, "bare")) {
		if (!start || munmap((void *)start, size) != 0) return 1;
		int fd = open(argc > 2 ? argv[2] : "", O_RDONLY);
		if (mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0) == MAP_FAILED) return 1;
	}
	if (pthread_create(&thread, NULL, answer, NULL) != 0) return 1;
	if (!strcmp(mode, "sequence")) {
		/* Needs GLIBC_TUNABLES=glibc.pthread.rseq=0: a thread has one area. */
		if (syscall(SYS_rseq, &area, 32, 0, SIGNATURE) != 0) return 1;
		stay_in_sequence();
	}
	for (;;) pause();
}
