#include "cache.h"
#include "reason.h"
#include "tree.h"
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#ifndef SYS_cachestat
#define SYS_cachestat 451
#endif

struct cachestat_range {
  uint64_t off, len;
};
struct cachestat_counts {
  uint64_t nr_cache, nr_dirty, nr_writeback, nr_evicted, nr_recently_evicted;
};

int64_t cache_pages(int fd) {
  struct cachestat_range whole = {0, 0};
  struct cachestat_counts counts;
  return syscall(SYS_cachestat, fd, &whole, &counts, 0) == 0 ? (int64_t)counts.nr_cache : -1;
}

bool cache_has(int fd) {
  int64_t pages = cache_pages(fd);
  if (pages >= 0) return pages > 0;
  /* Before Linux 6.5 there is no cachestat; a read that may not wait tells whether the first page is there (since 4.14). */
  char byte;
  struct iovec one = {&byte, 1};
  return preadv2(fd, &one, 1, 0, RWF_NOWAIT) >= 0 || errno != EAGAIN;
}

/* An inode that some name shows, and how many do. */
typedef struct {
  uint32_t row, names;
} Shown;

/* Inodes in the order of the walk, so that their directories are likely open, and an open-addressing table to find them by. */
typedef struct {
  const Tree *tree;
  const Row *rows;
  Shown *shown;
  uint32_t *slots; /* position in `shown` + 1; 0: free */
  uint32_t count, room, slot_bits;
} ShownSet;

static uint32_t slot_of(const ShownSet *set, const Row *row) { return (uint32_t)((row->ino * 0x9E3779B97F4A7C15u) >> (64 - set->slot_bits)); }

static Shown *find_slot(ShownSet *set, const Row *row, uint32_t *slot) {
  uint32_t mask = (1u << set->slot_bits) - 1;
  for (*slot = slot_of(set, row); set->slots[*slot] != 0; *slot = (*slot + 1) & mask) {
    Shown *shown = &set->shown[set->slots[*slot] - 1];
    /* Inode numbers are a file system's own, spaces are at most as wide. */
    const Row *other = &set->rows[shown->row];
    if (other->ino == row->ino && tree_facts(set->tree, other)->space == tree_facts(set->tree, row)->space) return shown;
  }
  return NULL;
}

static int grow(ShownSet *set) {
  uint32_t bits = set->slot_bits == 0 ? 12 : set->slot_bits + 1, slot;
  Shown *shown = realloc(set->shown, ((size_t)1 << (bits - 1)) * sizeof *shown);
  if (shown == NULL) return ENOMEM;
  set->shown = shown;
  free(set->slots);
  set->slots = calloc((size_t)1 << bits, sizeof *set->slots);
  if (set->slots == NULL) return ENOMEM;
  set->slot_bits = bits;
  set->room = 1u << (bits - 1); /* half of the slots stay free */
  for (uint32_t at = 0; at < set->count; at++) {
    find_slot(set, &set->rows[set->shown[at].row], &slot);
    set->slots[slot] = at + 1;
  }
  return 0;
}

static int add_shown(ShownSet *set, uint32_t row) {
  uint32_t slot;
  int error = set->count == set->room ? grow(set) : 0;
  if (error) return error;
  Shown *known = find_slot(set, &set->rows[row], &slot);
  if (known != NULL) known->names++;
  else {
    set->shown[set->count++] = (Shown){row, 1};
    set->slots[slot] = set->count;
  }
  return 0;
}

typedef struct {
  const Tree *tree;
  const ShownSet *set;
  Control *control;
  _Atomic uint32_t next;
  _Atomic uint64_t shared, saved;
} Measure;

/* Inodes a thread takes at once. */
#define TAKE 256

static void *measure(void *argument) {
  Measure *job = argument;
  DirCache dirs;
  uint64_t shared = 0, saved = 0;
  dir_cache_open(&dirs);
  for (uint32_t from; (from = atomic_fetch_add(&job->next, TAKE)) < job->set->count && !cancelled(job->control);)
    for (uint32_t at = from; at < from + TAKE && at < job->set->count; at++) {
      const Shown *shown = &job->set->shown[at];
      const Row *row = &job->set->rows[shown->row];
      if (shown->names < 2) continue;
      control_breathe(job->control);
      int dir = dir_cache_get(&dirs, job->tree, row->dir), fd = dir < 0 ? dir : open_file_at(dir, tree_name(job->tree, row->name));
      int64_t cached = fd < 0 ? 0 : cache_pages(fd);
      if (fd >= 0) close(fd);
      if (cached <= 0) continue;
      shared += (uint64_t)cached;
      saved += (uint64_t)cached * (shown->names - 1);
    }
  dir_cache_close(&dirs);
  atomic_fetch_add(&job->shared, shared);
  atomic_fetch_add(&job->saved, saved);
  return NULL;
}

/* The row whose inode a name shows now, or CACHE_ALONE. */
static uint32_t shown_by(const Tree *tree, uint32_t at, const uint32_t *shown, size_t count) {
  const Row *row = &tree_rows(tree)[at];
  const Facts *facts = tree_facts(tree, row);
  if (row->facts == 0 || (facts->mode & ROW_POOL)) return CACHE_ALONE;
  if (row->state >= STATE_CANDIDATE && row->state - STATE_CANDIDATE < count) return shown[row->state - STATE_CANDIDATE];
  return facts->nlink > 1 ? at : CACHE_ALONE;
}

int cache_measure(const Tree *tree, const uint32_t *shown, size_t count, uint32_t threads, Control *control, CachePages *pages) {
  ShownSet set = {.tree = tree, .rows = tree_rows(tree)};
  int error = 0;
  for (uint32_t at = 0, rows = tree_row_count(tree); at < rows && error == 0; at++) {
    uint32_t row = shown_by(tree, at, shown, count);
    if (row != CACHE_ALONE) error = add_shown(&set, row);
  }
  Measure job = {.tree = tree, .set = &set, .control = control};
  pthread_t ids[CACHE_MOST_THREADS];
  uint32_t started = 0, wanted = set.count / TAKE < threads ? set.count / TAKE : threads;
  while (error == 0 && started + 1 < wanted && started < CACHE_MOST_THREADS && pthread_create(&ids[started], NULL, measure, &job) == 0) started++;
  if (error == 0) measure(&job);
  for (uint32_t at = 0; at < started; at++) pthread_join(ids[at], NULL);
  *pages = (CachePages){.shared = atomic_load(&job.shared), .saved = atomic_load(&job.saved)};
  free(set.shown);
  free(set.slots);
  return error != 0 ? error : cancelled(control) ? ECANCELED : 0;
}
