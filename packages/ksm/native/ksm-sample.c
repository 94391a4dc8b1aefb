/*
 * ksm-sample MASK_BITS MAX_PAGES PID...: what pages do these processes hold? Feeds the profit estimator.
 *
 * Reads the present, private anonymous pages of each process (swapped-out pages are never brought back in), hashes
 * each, and prints the hashes whose lowest MASK_BITS bits are zero: a sample by content, so a page that exists in five
 * places is seen five times or not at all, which a sample by position cannot promise.
 * The targets are not stopped. At most MAX_PAGES pages are read of each process.
 *
 * Lines on stdout: `process PID PAGES_READ ZERO_PAGES PAGES_PRESENT`, then its `HASH` lines in hexadecimal;
 * `missing PID` when the process cannot be read. Exit status: 0; 2 usage.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#define PAGE 4096
#define BATCH 256
/* Documentation/admin-guide/mm/pagemap.rst: bit 63 present, bit 61 file page or shared anonymous. */
#define PM_PRESENT (UINT64_C(1) << 63)
#define PM_FILE (UINT64_C(1) << 61)

/* 64-bit multiply-rotate over eight words at once: speed matters, secrecy does not (the kernel compares the bytes later). */
static uint64_t hash_page(const uint64_t *word, int *zero) {
	uint64_t lane[4] = {1, 2, 3, 4}, any = 0;
	for (size_t i = 0; i < PAGE / 8; i += 4)
		for (size_t j = 0; j < 4; j++) {
			any |= word[i + j];
			lane[j] = (lane[j] ^ word[i + j]) * UINT64_C(0x9e3779b97f4a7c15);
			lane[j] ^= lane[j] >> 29;
		}
	*zero = any == 0;
	uint64_t h = lane[0] ^ lane[1] * 3 ^ lane[2] * 5 ^ lane[3] * 7;
	h = (h ^ h >> 33) * UINT64_C(0xff51afd7ed558ccd);
	return h ^ h >> 33;
}

struct tally {
	uint64_t mask, limit, read, zero, present;
	uint64_t *hashes;
	size_t count, room;
};

static void keep(struct tally *t, uint64_t hash) {
	if (hash & t->mask) return;
	if (t->count == t->room) {
		t->room = t->room ? t->room * 2 : 4096;
		t->hashes = realloc(t->hashes, t->room * sizeof *t->hashes);
		if (!t->hashes) exit(1);
	}
	t->hashes[t->count++] = hash;
}

static void sample_range(pid_t pid, int pagemap, uint64_t start, uint64_t end, struct tally *t) {
	static uint64_t flags[BATCH];
	static _Alignas(64) char pages[BATCH][PAGE];
	for (uint64_t at = start; at < end; at += BATCH * PAGE) {
		size_t n = (end - at) / PAGE < BATCH ? (size_t)((end - at) / PAGE) : BATCH;
		if (pread(pagemap, flags, n * 8, (off_t)(at / PAGE * 8)) != (ssize_t)(n * 8)) return;
		for (size_t i = 0; i < n;) {
			size_t run = 0;
			while (i + run < n && (flags[i + run] & (PM_PRESENT | PM_FILE)) == PM_PRESENT) run++;
			t->present += run;
			size_t take = t->limit - t->read < run ? (size_t)(t->limit - t->read) : run;
			struct iovec local = {pages, take * PAGE}, remote = {(void *)(uintptr_t)(at + i * PAGE), take * PAGE};
			ssize_t got = take ? process_vm_readv(pid, &local, 1, &remote, 1, 0) : 0;
			for (ssize_t p = 0; p < got / PAGE; p++) {
				int zero;
				uint64_t hash = hash_page((const uint64_t *)pages[p], &zero);
				t->read++;
				if (zero) t->zero++;
				else keep(t, hash);
			}
			i += run ? run : 1;
		}
	}
}

static int sample(pid_t pid, struct tally *t) {
	char path[64], line[512];
	snprintf(path, sizeof path, "/proc/%d/pagemap", pid);
	int pagemap = open(path, O_RDONLY | O_CLOEXEC);
	snprintf(path, sizeof path, "/proc/%d/maps", pid);
	FILE *maps = fopen(path, "re");
	int ok = pagemap >= 0 && maps;
	while (ok && fgets(line, sizeof line, maps)) {
		uint64_t start, end;
		char perms[8];
		/* Only private mappings can merge; kernel-made ones (vdso, vvar) cannot. */
		if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %7s", &start, &end, perms) != 3 || perms[3] != 'p' || strstr(line, "[v")) continue;
		sample_range(pid, pagemap, start, end, t);
	}
	if (maps) fclose(maps);
	if (pagemap >= 0) close(pagemap);
	return ok;
}

int main(int argc, char **argv) {
	if (argc < 4) {
		fprintf(stderr, "usage: ksm-sample MASK_BITS MAX_PAGES PID...\n");
		return 2;
	}
	for (int i = 3; i < argc; i++) {
		pid_t pid = atoi(argv[i]);
		struct tally t = {.mask = (UINT64_C(1) << atoi(argv[1])) - 1, .limit = strtoull(argv[2], NULL, 10)};
		if (!sample(pid, &t)) {
			printf("missing %d\n", pid);
			continue;
		}
		printf("process %d %" PRIu64 " %" PRIu64 " %" PRIu64 "\n", pid, t.read, t.zero, t.present);
		for (size_t h = 0; h < t.count; h++) printf("%016" PRIx64 "\n", t.hashes[h]);
		free(t.hashes);
	}
	return 0;
}
