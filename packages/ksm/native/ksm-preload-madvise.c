/*
 * libksm-preload-madvise.so: the preload shim for kernels below 6.4, which have no prctl to opt a whole process in.
 *
 * Anonymous private mappings are advised as they are made, by wrapping mmap, and the heap by wrapping the allocator's
 * entry points: the whole pages inside a large allocation are advised. Small allocations stay out.
 *
 * A shim must never change what a program sees: errno is kept, nothing is printed, nothing fails because of it.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "ksm.h"

/* Smaller regions cost more bookkeeping in the kernel (64 bytes a page and a VMA split) than they can give back. */
#define THRESHOLD (32u * 1024)
/* glibc asks dlsym for memory while the real allocator is still unknown: those few bytes come from here. */
#define BOOT_BYTES 8192

static size_t page_size;
static char boot_heap[BOOT_BYTES] __attribute__((aligned(16)));
static size_t boot_used;

static void *(*real_mmap)(void *, size_t, int, int, int, off_t);
static void *(*real_malloc)(size_t);
static void *(*real_calloc)(size_t, size_t);
static void *(*real_realloc)(void *, size_t);
static int (*real_posix_memalign)(void **, size_t, size_t);
static void *(*real_aligned_alloc)(size_t, size_t);
static void (*real_free)(void *);
static __thread int resolving;

static void resolve(void) {
	if (real_free || resolving) return;
	resolving = 1;
	real_mmap = dlsym(RTLD_NEXT, "mmap");
	real_malloc = dlsym(RTLD_NEXT, "malloc");
	real_calloc = dlsym(RTLD_NEXT, "calloc");
	real_realloc = dlsym(RTLD_NEXT, "realloc");
	real_posix_memalign = dlsym(RTLD_NEXT, "posix_memalign");
	real_aligned_alloc = dlsym(RTLD_NEXT, "aligned_alloc");
	real_free = dlsym(RTLD_NEXT, "free");
	resolving = 0;
}

/* A constructor: single-threaded, and before main() makes the allocations worth advising. */
__attribute__((constructor)) static void prepare(void) {
	int saved = errno;
	resolve();
	page_size = (size_t)sysconf(_SC_PAGESIZE);
	errno = saved;
}

/* Advises the whole pages inside [start, start + length): never a page that also holds something else. */
static void advise(void *start, size_t length) {
	if (!page_size || length < THRESHOLD) return;
	int saved = errno;
	uintptr_t from = ((uintptr_t)start + page_size - 1) & ~(uintptr_t)(page_size - 1);
	uintptr_t to = ((uintptr_t)start + length) & ~(uintptr_t)(page_size - 1);
	if (to > from) madvise((void *)from, to - from, KSM_MADV_MERGEABLE);
	errno = saved;
}

static void *boot_alloc(size_t size) {
	size_t rounded = (size + 15) & ~(size_t)15;
	if (rounded < size || rounded > BOOT_BYTES - boot_used) {
		errno = ENOMEM;
		return NULL;
	}
	void *at = boot_heap + boot_used;
	boot_used += rounded;
	return at;
}

static int from_boot(const void *p) {
	return (const char *)p >= boot_heap && (const char *)p < boot_heap + BOOT_BYTES;
}

static int mergeable(int flags) {
	return (flags & (MAP_PRIVATE | MAP_ANONYMOUS)) == (MAP_PRIVATE | MAP_ANONYMOUS);
}

void *mmap(void *addr, size_t length, int prot, int flags, int fd, off_t offset) {
	resolve();
	void *at = real_mmap ? real_mmap(addr, length, prot, flags, fd, offset)
			     : (void *)syscall(SYS_mmap, addr, length, prot, flags, fd, offset);
	if (at != MAP_FAILED && mergeable(flags)) advise(at, length);
	return at;
}

/* The advice is a property of the mapping and moves with it: mremap needs no wrapper. */
void *mmap64(void *addr, size_t length, int prot, int flags, int fd, off_t offset) __attribute__((alias("mmap")));

void *malloc(size_t size) {
	resolve();
	if (!real_malloc) return boot_alloc(size);
	void *at = real_malloc(size);
	if (at) advise(at, size);
	return at;
}

void *calloc(size_t count, size_t size) {
	resolve();
	size_t total;
	if (!real_calloc) {
		if (__builtin_mul_overflow(count, size, &total)) {
			errno = ENOMEM;
			return NULL;
		}
		return boot_alloc(total); /* static memory: zero already */
	}
	void *at = real_calloc(count, size);
	/* The real calloc has refused an overflowing product. */
	if (at) advise(at, count * size);
	return at;
}

void *realloc(void *old, size_t size) {
	resolve();
	if (from_boot(old)) {
		void *at = malloc(size);
		size_t held = (size_t)(boot_heap + BOOT_BYTES - (char *)old);
		if (at) memcpy(at, old, size < held ? size : held);
		return at;
	}
	if (!real_realloc) return old ? NULL : boot_alloc(size);
	void *at = real_realloc(old, size);
	if (at) advise(at, size);
	return at;
}

int posix_memalign(void **out, size_t alignment, size_t size) {
	resolve();
	if (!real_posix_memalign) return ENOMEM;
	int rc = real_posix_memalign(out, alignment, size);
	if (rc == 0) advise(*out, size);
	return rc;
}

void *aligned_alloc(size_t alignment, size_t size) {
	resolve();
	if (!real_aligned_alloc) {
		errno = ENOMEM;
		return NULL;
	}
	void *at = real_aligned_alloc(alignment, size);
	if (at) advise(at, size);
	return at;
}

void free(void *p) {
	if (from_boot(p)) return;
	resolve();
	if (real_free) real_free(p);
}
