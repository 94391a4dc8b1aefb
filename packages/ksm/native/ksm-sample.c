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
#include <sys/ioctl.h>
#include <sys/uio.h>
#include <unistd.h>

#define PAGE 4096
#define BATCH 256
/* Documentation/admin-guide/mm/pagemap.rst: bit 63 present, bit 61 file page or shared anonymous. */
#define PM_PRESENT (UINT64_C(1) << 63)
#define PM_FILE (UINT64_C(1) << 61)
/*
 * Without PAGEMAP_SCAN: entries looked at of a process, a terabyte of addresses, a second or two. Some programs reserve a
 * hundred times that and use little of it; what lies beyond is not counted, so that the estimate errs low.
 */
#define MAX_ENTRIES (UINT64_C(1) << 28)

/* include/uapi/linux/fs.h since Linux 6.7; Debian 12's headers are older. */
struct pm_scan_arg {
	uint64_t size, flags, start, end, walk_end, vec, vec_len, max_pages, category_inverted, category_mask, category_anyof_mask, return_mask;
};
struct page_region {
	uint64_t start, end, categories;
};
#define PAGEMAP_SCAN _IOWR('f', 16, struct pm_scan_arg)
#define PAGE_IS_FILE (1 << 2)
#define PAGE_IS_PRESENT (1 << 3)

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
	uint64_t mask, limit, read, zero, present, entries;
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

/* Reads a run of present pages, BATCH at a time. */
static void sample_run(pid_t pid, uint64_t at, uint64_t count, struct tally *t) {
	static _Alignas(64) char pages[BATCH][PAGE];
	t->present += count;
	while (count > 0 && t->read < t->limit) {
		uint64_t take = count < BATCH ? count : BATCH;
		if (take > t->limit - t->read) take = t->limit - t->read;
		struct iovec local = {pages, take * PAGE}, remote = {(void *)(uintptr_t)at, take * PAGE};
		ssize_t got = process_vm_readv(pid, &local, 1, &remote, 1, 0);
		for (ssize_t p = 0; p < got / PAGE; p++) {
			int zero;
			uint64_t hash = hash_page((const uint64_t *)pages[p], &zero);
			t->read++;
			if (zero) t->zero++;
			else keep(t, hash);
		}
		at += take * PAGE;
		count -= take;
	}
}

/* Lets the kernel find the pages: it passes over unmapped tables, where pagemap has an entry for every page that could be. Returns -1 where it cannot (before Linux 6.7). */
static int scan_range(pid_t pid, int pagemap, uint64_t start, uint64_t end, struct tally *t) {
	struct page_region regions[BATCH];
	struct pm_scan_arg scan = {
		.size = sizeof scan, .start = start, .end = end, .vec = (uintptr_t)regions, .vec_len = BATCH,
		.category_mask = PAGE_IS_PRESENT | PAGE_IS_FILE, .category_inverted = PAGE_IS_FILE, .return_mask = PAGE_IS_PRESENT,
	};
	while (scan.start < end) {
		int found = ioctl(pagemap, PAGEMAP_SCAN, &scan);
		if (found < 0) return -1;
		for (int i = 0; i < found; i++) sample_run(pid, regions[i].start, (regions[i].end - regions[i].start) / PAGE, t);
		/* A process that ends meanwhile has no tables left: nothing is walked. */
		if (scan.walk_end <= scan.start) return 0;
		scan.start = scan.walk_end;
	}
	return 0;
}

static void sample_range(pid_t pid, int pagemap, uint64_t start, uint64_t end, struct tally *t) {
	static uint64_t flags[BATCH];
	if (scan_range(pid, pagemap, start, end, t) == 0) return;
	for (uint64_t at = start; at < end && t->entries < MAX_ENTRIES; at += BATCH * PAGE) {
		size_t n = (end - at) / PAGE < BATCH ? (size_t)((end - at) / PAGE) : BATCH;
		if (pread(pagemap, flags, n * 8, (off_t)(at / PAGE * 8)) != (ssize_t)(n * 8)) return;
		t->entries += n;
		for (size_t i = 0; i < n;) {
			size_t run = 0;
			while (i + run < n && (flags[i + run] & (PM_PRESENT | PM_FILE)) == PM_PRESENT) run++;
			sample_run(pid, at + i * PAGE, run, t);
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
