/*
 * memory-guest SHARED_MB ZERO_MB UNIQUE_MB [SEED [RESERVED_TB]]: a stand-in for a guest's heap. SHARED_MB of pages that every such
 * process holds alike, ZERO_MB of zeros, UNIQUE_MB of pages that nobody else has,
 * RESERVED_TB of addresses of which one page in the middle is used. Prints `ready`, then sleeps and
 * prints a line for every line on stdin (`touch`: rewrites the shared part, which breaks the merges), and ends at its end.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define PAGE 4096

static uint64_t mix(uint64_t x) {
	x ^= x >> 33;
	x *= 0xff51afd7ed558ccdULL;
	x ^= x >> 33;
	x *= 0xc4ceb9fe1a85ec53ULL;
	return x ^ x >> 33;
}

static void fill(char *at, size_t pages, uint64_t seed) {
	for (size_t p = 0; p < pages; p++) {
		uint64_t *word = (uint64_t *)(at + p * PAGE);
		uint64_t x = mix(seed + p + 1);
		for (size_t i = 0; i < PAGE / sizeof *word; i++) word[i] = x += 0x9e3779b97f4a7c15ULL;
	}
}

int main(int argc, char **argv) {
	if (argc < 4) return 2;
	size_t shared = strtoul(argv[1], NULL, 10) << 8, zero = strtoul(argv[2], NULL, 10) << 8, unique = strtoul(argv[3], NULL, 10) << 8;
	size_t pages = shared + zero + unique;
	char *at = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (at == MAP_FAILED) return 1;
	/* Huge pages would be split by the first merge inside; a guest's heap mixes both, here the counts must be exact. */
	madvise(at, pages * PAGE, MADV_NOHUGEPAGE);
	fill(at, shared, 0);
	memset(at + shared * PAGE, 0, zero * PAGE);
	fill(at + (shared + zero) * PAGE, unique, mix(argc > 4 ? strtoull(argv[4], NULL, 10) : (uint64_t)getpid()));
	size_t reserved = argc > 5 ? strtoul(argv[5], NULL, 10) << 40 : 0;
	if (reserved) {
		char *space = mmap(NULL, reserved, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
		if (space == MAP_FAILED) return 1;
		madvise(space, reserved, MADV_NOHUGEPAGE);
		space[reserved / 2] = 1;
	}
	puts("ready");
	fflush(stdout);
	char line[64];
	while (fgets(line, sizeof line, stdin)) {
		if (strcmp(line, "touch\n") == 0) fill(at, shared, (uint64_t)getpid() << 32);
		puts("done");
		fflush(stdout);
	}
	return 0;
}
