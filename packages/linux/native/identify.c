#include "candidates.h"
#include "attributes.h"
#include "cache.h"
#include "classes.h"
#include "groups.h"
#include "reason.h"
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>
#include "hash.h"

/* Rows a thread takes at once: neighbours share directories, and the cursor is not fought over. */
#define TAKE 64
/* Private to this file: the second pass reads the inode. */
#define TOKEN_WANTED 4u
#define BLOCK ((size_t)256 << 10)
#define PAGE 4096

typedef struct Worker Worker;

typedef struct {
  Identify *job;
  Candidates *candidates;
  void (*learn)(Worker *, Inode *);
  /* Next row. Inodes are read in the order of the walk, each directory's together, whatever class they are of: opening a directory again costs as much as a file. */
  _Atomic uint32_t cursor;
  pthread_mutex_t lock;
  pthread_cond_t wake;
  uint32_t active; /* threads that may work */
  bool finished;
} Shared;

struct Worker {
  Shared *shared;
  uint32_t number;
  DirCache dirs;
  char *buffer;
  HashStream *stream;
  long switches; /* times this thread had waited at the last look */
  uint64_t reads;
};

static const IndexRecord *lookup(const Identify *job, uint64_t dev, const Row *row) {
  const Facts *facts = tree_facts(job->tree, row);
  size_t low = 0, high = job->index_count;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    const IndexRecord *record = &job->index[middle];
    if (record->dev < dev || (record->dev == dev && record->ino < row->ino)) low = middle + 1;
    else high = middle;
  }
  const IndexRecord *record = &job->index[low];
  if (low == job->index_count || record->dev != dev || record->ino != row->ino) return NULL;
  return record->size == facts->size && record->mtime == facts->mtime && record->ctime == row->ctime ? record : NULL;
}

static void settle(const Candidates *candidates, Tree *tree, const Inode *inode, uint32_t state) {
  for (uint32_t name = 0; name < inode->names; name++) tree_rows(tree)[candidates->order[inode->first + name]].state = state;
}

static bool unchanged(const struct stat *stat, const Tree *tree, const Row *row) {
  const Facts *facts = tree_facts(tree, row);
  return S_ISREG(stat->st_mode) && stat->st_ino == row->ino && (uint64_t)stat->st_size == facts->size &&
         stat->st_mtim.tv_sec * 1000000000LL + stat->st_mtim.tv_nsec == facts->mtime && stat->st_ctim.tv_sec * 1000000000LL + stat->st_ctim.tv_nsec == row->ctime;
}

/* Fills the buffer from `at`; fewer bytes than asked only at the file's end. Returns bytes or -errno. */
static ssize_t read_block(int fd, char *buffer, size_t size, off_t at) {
  size_t got = 0;
  while (got < size) {
    ssize_t part = pread(fd, buffer + got, size - got, at + (off_t)got);
    if (part < 0) {
      if (errno == EINTR) continue;
      return -errno;
    }
    if (part == 0) break;
    got += (size_t)part;
  }
  return (ssize_t)got;
}

/* Whether the page cache held all of it: then it is in the buffer, and nothing was waited for. */
static bool read_cached(int fd, char *buffer, size_t size, uint64_t at) {
  struct iovec one = {buffer, size};
  return preadv2(fd, &one, 1, (off_t)at, RWF_NOWAIT) == (ssize_t)size;
}

/*
 * Hashes [from, to) into a hash; `ready`: its first block is in the buffer. Returns 0, an errno, or ESTALE when the file
 * ends before.
 */
static int hash_range(Worker *worker, int fd, uint64_t from, uint64_t to, bool ready, uint64_t seed, Hash128 *hash) {
  Control *control = worker->shared->job->control;
  if (to - from <= BLOCK) {
    ssize_t got = ready ? (ssize_t)(to - from) : read_block(fd, worker->buffer, (size_t)(to - from), (off_t)from);
    if (got < 0) return (int)-got;
    if ((uint64_t)got != to - from) return ESTALE;
    *hash = hash_block(worker->buffer, (size_t)got, seed);
    control_charge(control, got);
    return 0;
  }
  HashStream *stream = hash_stream_start(worker->stream, seed);
  for (uint64_t at = from; at < to;) {
    size_t size = to - at < BLOCK ? (size_t)(to - at) : BLOCK;
    ssize_t got = ready && at == from ? (ssize_t)size : read_block(fd, worker->buffer, size, (off_t)at);
    if (got < 0) return (int)-got;
    if ((size_t)got != size) return ESTALE;
    hash_stream_add(stream, worker->buffer, size);
    at += size;
    control_charge(control, got);
    control_breathe(control);
    if (control_wait(control)) return ECANCELED;
  }
  *hash = hash_stream_end(stream);
  return 0;
}

/*
 * Reads one inode: its first HEAD bytes, or, when those are known, what comes after them, hashed with the head's hash for
 * a seed, so that nothing is read twice. Sets its hash, or settles its rows as changed or failed.
 */
static void read_inode(Worker *worker, Inode *inode, bool rest) {
  Identify *job = worker->shared->job;
  Tree *tree = job->tree;
  const Candidates *candidates = worker->shared->candidates;
  const Row *row = &tree_rows(tree)[candidates->order[inode->first]];
  const Facts *facts = tree_facts(tree, row);
  const char *name = tree_name(tree, row->name);
  int dir = dir_cache_get(&worker->dirs, tree, row->dir);
  int fd = dir < 0 ? dir : open_file_at(dir, name);
  struct stat stat;
  int error = fd < 0 ? -fd : fstat(fd, &stat) != 0 ? errno : 0;
  if (error == 0 && !unchanged(&stat, tree, row)) error = ESTALE;
  Hash128 hash = {0};
  uint32_t flags = TOKEN_KNOWN | (job->identity[facts->space] ? TOKEN_ATTRIBUTES : 0);
  Attributes attributes = {0};
  /* Of the rest, they are in the seed. */
  if (error == 0 && (flags & TOKEN_ATTRIBUTES) && !rest) error = attributes_read(fd, &attributes);
  if (error == 0) {
    uint64_t from = rest ? HEAD : 0, to = rest || facts->size <= HEAD ? facts->size : HEAD;
    /* Only where the first read finds something missing is the kernel asked whether there was anything at all. */
    bool ready = job->drop_cache && read_cached(fd, worker->buffer, to - from < BLOCK ? (size_t)(to - from) : BLOCK, from);
    bool cached = !job->drop_cache || ready || cache_has(fd);
    if (rest) posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
    error = hash_range(worker, fd, from, to, ready, rest ? inode->low : 0, &hash);
    /* What is read at once needs no second look: a change since the first one has another ctime than the one remembered. */
    if (error == 0 && to - from > BLOCK && (fstat(fd, &stat) != 0 || !unchanged(&stat, tree, row))) error = ESTALE;
    if (error == 0) {
      hash.low ^= attributes_mixed(&attributes);
      if (to < facts->size) flags |= TOKEN_HEAD;
      atomic_fetch_add_explicit(&job->control->bytes_hashed, (int64_t)(to - from), memory_order_relaxed);
      atomic_fetch_add_explicit(&job->control->files, rest ? 0 : 1, memory_order_relaxed);
    }
    if (!cached) posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
  }
  worker->reads++;
  if (fd >= 0) close(fd);
  inode->low = hash.low;
  inode->high = hash.high;
  inode->flags = error == 0 ? flags : 0;
  if (error == 0 || error == ECANCELED) return;
  bool changed = error == ESTALE || error == ENOENT || error == ENOTDIR || error == ELOOP || error == ENXIO;
  settle(candidates, tree, inode, changed ? STATE_CHANGED : STATE_ERROR);
  if (!changed) tree_fail(tree, row->dir, row->name, error);
}

/* First pass: from the index where it knows the file, else by reading. */
static void learn(Worker *worker, Inode *inode) {
  const Identify *job = worker->shared->job;
  const Tree *tree = job->tree;
  const Row *row = &tree_rows(tree)[worker->shared->candidates->order[inode->first]];
  const IndexRecord *record = job->index_count == 0 ? NULL : lookup(job, tree->guests[tree_dirs(tree)[row->dir].guest].dev, row);
  uint32_t wanted = job->identity[tree_facts(tree, row)->space] ? TOKEN_ATTRIBUTES : 0;
  if (record != NULL && (record->flags & TOKEN_ATTRIBUTES) == wanted) {
    inode->low = record->low;
    inode->high = record->high;
    inode->flags = (record->flags & TOKEN_HEAD) | TOKEN_KNOWN | wanted;
  } else read_inode(worker, inode, false);
}

/* Second pass: a large file is read on only if its first bytes do not already tell it from all others. */
static void learn_rest(Worker *worker, Inode *inode) {
  if (!(inode->flags & TOKEN_WANTED)) return;
  read_inode(worker, inode, true);
}

static int by_hash(const void *left, const void *right) {
  const Inode *a = *(Inode *const *)left, *b = *(Inode *const *)right;
  if (a->low != b->low) return a->low < b->low ? -1 : 1;
  return a->high < b->high ? -1 : a->high > b->high;
}

/* Marks the inodes of large classes that the second pass must read; returns how many, or -1 without memory. */
static int64_t mark_undecided(const Tree *tree, Candidates *candidates) {
  int64_t marked = 0;
  for (uint32_t at = 0; at < candidates->class_count; at++) {
    const Class *class = &candidates->classes[at];
    Inode *inodes = candidates->inodes + class->first;
    if (tree_facts(tree, &tree_rows(tree)[candidates->order[inodes->first]])->size <= HEAD) continue;
    Inode **heads = malloc(class->count * sizeof *heads);
    if (heads == NULL) return -1;
    uint32_t count = 0;
    bool any_whole = false;
    for (uint32_t inode = 0; inode < class->count; inode++) {
      if (inodes[inode].flags & TOKEN_HEAD) heads[count++] = &inodes[inode];
      else any_whole |= (inodes[inode].flags & TOKEN_KNOWN) != 0;
    }
    qsort(heads, count, sizeof *heads, by_hash);
    for (uint32_t head = 0; head < count; head++)
      /* A file known as a whole cannot be compared with a head: then every head is read on. */
      if (any_whole || (head > 0 && by_hash(&heads[head - 1], &heads[head]) == 0) || (head + 1 < count && by_hash(&heads[head], &heads[head + 1]) == 0)) {
        heads[head]->flags |= TOKEN_WANTED;
        marked++;
      }
    free(heads);
  }
  return marked;
}

/*
 * From the page cache one thread a core is best; from a disk many, because each waits. A thread that had to wait for
 * more than half of its last reads lets one more thread work; one that never waited takes one away again.
 */
static void tune(Worker *worker) {
  struct rusage usage;
  if (worker->reads < 32 || getrusage(RUSAGE_THREAD, &usage) != 0) return;
  long waited = usage.ru_nvcsw - worker->switches;
  Shared *shared = worker->shared;
  pthread_mutex_lock(&shared->lock);
  if ((uint64_t)waited * 2 > worker->reads && shared->active < shared->job->max_threads) {
    shared->active++;
    pthread_cond_broadcast(&shared->wake);
  } else if (waited == 0 && shared->active > shared->job->min_threads) shared->active--;
  pthread_mutex_unlock(&shared->lock);
  worker->switches = usage.ru_nvcsw;
  worker->reads = 0;
}

static bool may_work(Worker *worker) {
  Shared *shared = worker->shared;
  if (worker->number < shared->job->min_threads) return true;
  pthread_mutex_lock(&shared->lock);
  while (worker->number >= shared->active && !shared->finished) pthread_cond_wait(&shared->wake, &shared->lock);
  bool may = !shared->finished;
  pthread_mutex_unlock(&shared->lock);
  return may;
}

/* The candidate whose first name the row is. */
static Inode *first_named(const Tree *tree, const Candidates *candidates, uint32_t row) {
  uint32_t state = __atomic_load_n(&tree_rows(tree)[row].state, __ATOMIC_RELAXED);
  if (tree_rows(tree)[row].facts == 0 || state < STATE_CANDIDATE) return NULL;
  Inode *inode = &candidates->inodes[state - STATE_CANDIDATE];
  return candidates->order[inode->first] == row ? inode : NULL;
}

static void *work(void *argument) {
  Worker *worker = argument;
  Shared *shared = worker->shared;
  dir_cache_open(&worker->dirs);
  const Tree *tree = shared->job->tree;
  uint32_t rows = tree_row_count(tree);
  while (may_work(worker)) {
    if (worker->buffer == NULL) worker->buffer = aligned_alloc(PAGE, BLOCK); /* the kernel copies to whole pages fastest */
    if (worker->stream == NULL) worker->stream = hash_stream_new();
    if (worker->buffer == NULL || worker->stream == NULL || control_wait(shared->job->control)) break;
    uint32_t from = atomic_fetch_add(&shared->cursor, TAKE);
    if (from >= rows) break;
    for (uint32_t row = from; row < from + TAKE && row < rows && !cancelled(shared->job->control); row++) {
      Inode *inode = first_named(tree, shared->candidates, row);
      if (inode == NULL) continue;
      shared->learn(worker, inode);
      control_breathe(shared->job->control);
    }
    tune(worker);
  }
  pthread_mutex_lock(&shared->lock);
  shared->finished = true;
  pthread_cond_broadcast(&shared->wake);
  pthread_mutex_unlock(&shared->lock);
  dir_cache_close(&worker->dirs);
  free(worker->buffer);
  hash_stream_free(worker->stream);
  return NULL;
}

static int pass(Identify *job, Candidates *candidates, void (*learn)(Worker *, Inode *)) {
  Shared shared = {
      .job = job,
      .candidates = candidates,
      .learn = learn,
      .lock = PTHREAD_MUTEX_INITIALIZER,
      .wake = PTHREAD_COND_INITIALIZER,
      .active = job->min_threads,
  };
  Worker *workers = calloc(job->max_threads, sizeof *workers);
  pthread_t *ids = calloc(job->max_threads, sizeof *ids);
  uint32_t started = 0;
  int error = workers == NULL || ids == NULL ? ENOMEM : 0;
  for (; error == 0 && started < job->max_threads; started++) {
    workers[started].shared = &shared;
    workers[started].number = started;
    if (pthread_create(&ids[started], NULL, work, &workers[started]) != 0) break;
  }
  if (error == 0 && started == 0) error = EAGAIN;
  for (uint32_t at = 0; at < started; at++) pthread_join(ids[at], NULL);
  free(workers);
  free(ids);
  return cancelled(job->control) ? ECANCELED : error;
}

int identify_run(Identify *job) {
  Candidates *candidates = calloc(1, sizeof *candidates);
  if (candidates == NULL) return ENOMEM;
  job->tree->candidates = candidates;
  int error = classes_find(job->tree, job->identity, job->ignore_mtime, candidates);
  if (error == 0) error = pass(job, candidates, learn);
  if (error) return error;
  int64_t undecided = mark_undecided(job->tree, candidates);
  if (undecided < 0) return ENOMEM;
  if (undecided > 0) error = pass(job, candidates, learn_rest);
  return error == 0 ? groups_find(job->tree, candidates) : error;
}
