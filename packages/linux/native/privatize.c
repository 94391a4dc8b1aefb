/*
 * Private copies: made in the quarantine, written back to disk, then exchanged with the guest's names. The shared inode is
 * leased meanwhile, so nobody writes to it between copy and exchange; whoever wants to is not kept waiting for a batch, the
 * copy is given up instead. The journal tells recovery which quarantined files are the names of one file.
 */
#include "privatize.h"
#include "attributes.h"
#include "copy.h"
#include "journal.h"
#include "lease.h"
#include "reason.h"
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Copies that a thread has written back together: bounded by descriptors and by what one syncfs should hold up. */
#define BATCH_FILES 256
#define BATCH_BYTES ((uint64_t)128 << 20)
/* Files a thread takes at once: neighbours share directories. */
#define TAKE 16
#define MOST_THREADS 64
/* Inodes whose names are exchanged at once: the names of one may be several threads' to place, and its flag is lifted for one of them. */
#define STRIPES 64

static pthread_mutex_t placing[STRIPES] = {[0 ... STRIPES - 1] = PTHREAD_MUTEX_INITIALIZER};

typedef struct {
  const uint32_t *rows; /* of the names */
  uint32_t names, file;
  int shared; /* descriptor of the shared inode, leased; -1 once given up */
  uint64_t copy_ino;
  int immutable;
} Copy;

static void held_name(char held[32], uint32_t row) { snprintf(held, 32, "p%08x", row); }

static void finish(Privatize *job, const Copy *copy, int error) {
  uint32_t state = STATE_DONE;
  if (error == ECANCELED) state = STATE_STOPPED;
  else if (error == EAGAIN) state = STATE_BUSY;
  else if (error == ESTALE || error == ENOENT || error == ENOTDIR || error == ELOOP) state = STATE_CHANGED;
  else if (error != 0) {
    const Row *row = &tree_rows(job->tree)[copy->rows[0]];
    state = STATE_ERROR;
    tree_fail(job->tree, row->dir, row->name, error);
  }
  job->results[copy->file].state = state;
}

static int open_shared(Privatize *job, Exchanger *hands, const Row *row, int *fd) {
  int dirfd = dir_cache_get(&hands->dirs, job->tree, row->dir);
  *fd = dirfd < 0 ? dirfd : open_file_at(dirfd, tree_name(job->tree, row->name));
  if (*fd < 0) return -*fd;
  struct stat stat;
  int error = lease_take(*fd);
  if (error == 0 && (fstat(*fd, &stat) != 0 || !S_ISREG(stat.st_mode) || stat.st_ino != row->ino)) error = ESTALE;
  if (error == 0) return 0;
  close(*fd);
  return error;
}

/* Removes quarantine names [from, to) of a file: names of the shared inode, or the copy that found no place. */
static void remove_held(Privatize *job, const Copy *copy, uint32_t from, uint32_t to) {
  char held[32];
  for (uint32_t at = from; at < to; at++) {
    held_name(held, copy->rows[at]);
    unlinkat(job->quarantine, held, 0);
  }
}

/* Makes the copy under the quarantine names of all rows. Returns 0, or an errno with nothing left. */
static int make_copy(Privatize *job, Exchanger *hands, Copy *copy, uint64_t *written) {
  char held[32], first[32];
  int error = open_shared(job, hands, &tree_rows(job->tree)[copy->rows[0]], &copy->shared);
  if (error) return error;
  held_name(first, copy->rows[0]);
  int fd = openat(job->quarantine, first, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  uint32_t made = fd >= 0;
  if (fd < 0) error = errno;
  else {
    struct stat stat;
    error = copy_file(copy->shared, fd, job->control, written);
    if (error == 0 && fstat(fd, &stat) != 0) error = errno;
    if (error == 0) {
      copy->copy_ino = stat.st_ino;
      job->results[copy->file].taken_blocks = (uint32_t)stat.st_blocks;
    }
    close(fd);
  }
  for (; error == 0 && made < copy->names; made++) {
    held_name(held, copy->rows[made]);
    if (linkat(job->quarantine, first, job->quarantine, held, 0) != 0) {
      error = errno;
      break;
    }
  }
  if (error == 0) return 0;
  remove_held(job, copy, 0, made);
  close(copy->shared);
  return error;
}

static void give_up(Privatize *job, Copy *copy, int error) {
  remove_held(job, copy, 0, copy->names);
  finish(job, copy, error);
  close(copy->shared);
  copy->shared = -1;
}

/* Exchanges all names, or none; by one thread at a time for an inode: another's would be refused by the flag that this one sets again. */
static void place_copy(Privatize *job, Exchanger *hands, Copy *copy) {
  const Row *rows = tree_rows(job->tree);
  pthread_mutex_t *mine = &placing[rows[copy->rows[0]].ino % STRIPES];
  pthread_mutex_lock(mine);
  char held[32];
  uint32_t moved = 0;
  int error = lease_holds(copy->shared) ? lift_flag(&job->gate, copy->shared, &copy->immutable) : EAGAIN;
  for (; error == 0 && moved < copy->names; moved++) {
    const Row *row = &rows[copy->rows[moved]];
    held_name(held, copy->rows[moved]);
    error = exchange_checked(hands, row, job->quarantine, held, copy->copy_ino, row->ino);
    if (error) break;
  }
  if (error == 0 && !lease_holds(copy->shared)) error = EAGAIN;
  for (uint32_t at = 0; error != 0 && at < moved; at++) {
    held_name(held, copy->rows[at]);
    exchange_back(hands, &rows[copy->rows[at]], job->quarantine, held, copy->copy_ino);
  }
  if (error == 0) atomic_fetch_add_explicit(&job->control->files, copy->names, memory_order_relaxed);
  remove_held(job, copy, 0, copy->names);
  /* The flag would have refused that to us as well. */
  if (copy->immutable) set_flag_held(&job->gate, copy->shared);
  pthread_mutex_unlock(mine);
  finish(job, copy, error);
  close(copy->shared);
}

/* Whoever waits to write to a shared inode gets it now. */
static void yield_broken(Privatize *job, Copy *batch, uint32_t count) {
  for (uint32_t at = 0; at < count; at++)
    if (batch[at].shared >= 0 && !lease_holds(batch[at].shared)) give_up(job, &batch[at], EAGAIN);
}

static uint32_t fill_batch(Privatize *job, Exchanger *hands, Copy *batch, bool *more) {
  uint32_t count = 0;
  uint64_t written = 0;
  while (count + TAKE <= BATCH_FILES && written < BATCH_BYTES && !control_wait(job->control)) {
    uint32_t from = atomic_fetch_add(&job->next, TAKE);
    *more = from < job->file_count;
    for (uint32_t file = from; file < job->file_count && file < from + TAKE; file++) {
      const uint32_t *words = job->files + job->starts[file];
      batch[count] = (Copy){.names = words[0], .rows = words + 2, .file = file};
      int error = cancelled(job->control) ? ECANCELED : make_copy(job, hands, &batch[count], &written);
      if (error) finish(job, &batch[count], error);
      else count++;
      yield_broken(job, batch, count);
    }
    if (!*more) break;
  }
  atomic_fetch_add(&job->copied, written);
  return count;
}

static void *work(void *argument) {
  Privatize *job = argument;
  Exchanger hands;
  Copy *batch = malloc(BATCH_FILES * sizeof *batch);
  exchanger_open(&hands, job->tree, &job->dir_times);
  for (bool more = batch != NULL; more && atomic_load(&job->error) == 0 && !cancelled(job->control);) {
    uint32_t count = fill_batch(job, &hands, batch, &more);
    int error = 0, none = 0;
    /* Writing back takes as long as it takes: a run that is to end gives its copies up instead. */
    if (count > 0 && !cancelled(job->control) && syncfs(job->quarantine) != 0) {
      error = errno;
      atomic_compare_exchange_strong(&job->error, &none, error);
    }
    for (uint32_t at = 0; at < count; at++) {
      if (batch[at].shared < 0) continue;
      if (error == 0 && !cancelled(job->control)) place_copy(job, &hands, &batch[at]);
      else give_up(job, &batch[at], error ? error : ECANCELED);
    }
    exchanger_restore_times(&hands);
  }
  exchanger_close(&hands);
  free(batch);
  return NULL;
}

int privatize_run(Privatize *job) {
  pthread_t ids[MOST_THREADS];
  uint32_t threads = job->threads > MOST_THREADS ? MOST_THREADS : job->threads, started = 0, file = 0;
  for (uint32_t at = 0; at < job->file_count; at++) job->results[at].state = STATE_STOPPED;
  for (size_t at = 0; at < job->file_words; at += 2 + job->files[at]) job->starts[file++] = at;
  int error = privatize_journal(job);
  if (error == 0) error = dir_times_open(&job->dir_times, job->tree);
  if (error) return error == ECANCELED ? 0 : error;
  gate_init(&job->gate);
  while (started < threads && pthread_create(&ids[started], NULL, work, job) == 0) started++;
  for (uint32_t at = 0; at < started; at++) pthread_join(ids[at], NULL);
  gate_close(&job->gate, job->control);
  dir_times_close(&job->dir_times);
  return started == 0 ? EAGAIN : atomic_load(&job->error);
}
