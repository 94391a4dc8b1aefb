/*
 * static-guest: shaped like a Go program. Static, several threads over one address space, raw system
 * calls, the leader blocked in one while the others run. Prints `ready`; every thread counts; ends at
 * the end of stdin with the count of wrong register values seen, which must be 0.
 */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static volatile int stop, wrong;

/* Keeps known values in registers around a system call: an injector that restores badly is caught here. */
static void *work(void *arg) {
	while (!stop) {
		uint64_t a = 0x1122334455667788, b = 0x99aabbccddeeff00, out_a = a, out_b = b;
#if defined(__x86_64__)
		struct timespec nap = {0, 200000};
		register uint64_t r12 __asm__("r12") = a;
		register uint64_t r13 __asm__("r13") = b;
		long rc;
		__asm__ volatile("syscall" : "=a"(rc), "+r"(r12), "+r"(r13) : "a"(SYS_nanosleep), "D"(&nap), "S"(0) : "rcx", "r11", "memory");
		out_a = r12;
		out_b = r13;
		/* -512..-516 are the kernel's private restart codes and must never reach a program. */
		if (rc != 0) __atomic_add_fetch(&wrong, 1, __ATOMIC_RELAXED);
#endif
		if (out_a != a || out_b != b) __atomic_add_fetch(&wrong, 1, __ATOMIC_RELAXED);
	}
	return arg;
}

int main(void) {
	char *heap = mmap(NULL, 8 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (heap == MAP_FAILED) return 1;
	memset(heap, 7, 8 << 20);
	pthread_t threads[4];
	for (int i = 0; i < 4; i++)
		if (pthread_create(&threads[i], NULL, work, NULL)) return 1;
	puts("ready");
	fflush(stdout);
	char byte;
	while (read(0, &byte, 1) == 1) {}
	stop = 1;
	for (int i = 0; i < 4; i++) pthread_join(threads[i], NULL);
	printf("wrong %d\n", wrong);
	return wrong ? 1 : 0;
}
