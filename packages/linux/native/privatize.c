/*
 * Private copies: made in the quarantine, written back to disk, then exchanged with the guest's names. The shared inode is
 * leased meanwhile, so nobody writes to it between copy and exchange.
 */
#include "privatize.h"
#include "attributes.h"
#include "copy.h"
#include "exchange.h"
#include "lease.h"
#include "reason.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Copies that are written back together: bounded by descriptors and by what one syncfs should hold up. */
#define BATCH_FILES 256
#define BATCH_BYTES ((uint64_t)256 << 20)

typedef struct {
  const uint32_t *words;
  uint32_t file;
  int shared; /* descriptor of the shared inode, leased */
  uint64_t copy_ino;
  int immutable;
} Copy;

static void held_name(char held[32], const uint32_t *row) { snprintf(held, 32, "p%08x", *row); }

static void finish(Privatize *job, const Copy *copy, int error) {
  uint32_t state = STATE_DONE;
  if (error == ECANCELED) state = STATE_STOPPED;
  else if (error == EAGAIN) state = STATE_BUSY;
  else if (error == ESTALE || error == ENOENT || error == ENOTDIR || error == ELOOP) state = STATE_CHANGED;
  else if (error != 0) {
    const Row *row = &tree_rows(job->tree)[copy->words[1]];
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

/* Makes the copy under the quarantine names of all rows. Returns 0 or an errno with nothing left. */
static int make_copy(Privatize *job, Exchanger *hands, Copy *copy) {
  char held[32], first[32];
  const Row *row = &tree_rows(job->tree)[copy->words[1]];
  int error = open_shared(job, hands, row, &copy->shared);
  if (error) return error;
  held_name(first, &copy->words[1]);
  int fd = openat(job->quarantine, first, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0) error = errno;
  else {
    struct stat stat;
    error = copy_file(copy->shared, fd, job->control, &job->copied);
    if (error == 0 && fstat(fd, &stat) != 0) error = errno;
    if (error == 0) {
      copy->copy_ino = stat.st_ino;
      job->results[copy->file].taken_blocks = (uint32_t)stat.st_blocks;
    }
    close(fd);
  }
  uint32_t linked = error == 0;
  for (; error == 0 && linked < copy->words[0]; linked++) {
    held_name(held, &copy->words[1 + linked]);
    if (linkat(job->quarantine, first, job->quarantine, held, 0) != 0) {
      error = errno;
      break;
    }
  }
  if (error == 0) return 0;
  if (fd >= 0) unlinkat(job->quarantine, first, 0);
  for (uint32_t at = 1; at < linked; at++) {
    held_name(held, &copy->words[1 + at]);
    unlinkat(job->quarantine, held, 0);
  }
  close(copy->shared);
  return error;
}

/* Exchanges all names, or none; none when something went wrong before. */
static void place_copy(Privatize *job, Exchanger *hands, Copy *copy, int error) {
  const Row *rows = tree_rows(job->tree);
  char held[32];
  uint32_t moved = 0;
  if (error == 0) error = lease_holds(copy->shared) ? immutable_set(copy->shared, 0, &copy->immutable) : EAGAIN;
  if (error == ENOTTY || error == EOPNOTSUPP) error = 0;
  for (; error == 0 && moved < copy->words[0]; moved++) {
    const Row *row = &rows[copy->words[1 + moved]];
    held_name(held, &copy->words[1 + moved]);
    error = exchange_checked(hands, row, job->quarantine, held, copy->copy_ino, row->ino);
    if (error) break;
  }
  if (error == 0 && !lease_holds(copy->shared)) error = EAGAIN;
  for (uint32_t at = 0; at < copy->words[0]; at++) {
    const Row *row = &rows[copy->words[1 + at]];
    held_name(held, &copy->words[1 + at]);
    if (error != 0 && at < moved) exchange_back(hands, row, job->quarantine, held, copy->copy_ino);
    unlinkat(job->quarantine, held, 0); /* a name of the shared inode, or the copy that found no place */
  }
  if (copy->immutable) immutable_set(copy->shared, 1, NULL);
  if (error == 0) atomic_fetch_add_explicit(&job->control->files, copy->words[0], memory_order_relaxed);
  finish(job, copy, error);
  close(copy->shared);
}

int privatize_run(Privatize *job) {
  DirTimes times;
  Exchanger hands;
  int error = dir_times_open(&times, job->tree);
  if (error) return error;
  exchanger_open(&hands, job->tree, &times);
  Copy batch[BATCH_FILES];
  uint32_t file = 0;
  for (size_t at = 0; at < job->file_words && error == 0;) {
    uint32_t count = 0;
    uint64_t before = job->copied;
    for (; at < job->file_words && count < BATCH_FILES && job->copied - before < BATCH_BYTES; at += 1 + job->files[at], file++) {
      Copy *copy = &batch[count];
      *copy = (Copy){.words = job->files + at, .file = file};
      int failed = control_wait(job->control) ? ECANCELED : make_copy(job, &hands, copy);
      if (failed) finish(job, copy, failed);
      else count++;
    }
    /* Writing back takes as long as it takes: a run that must end at once gives its copies up instead. */
    int unsafe = hurried(job->control) ? ECANCELED : 0;
    if (count > 0 && unsafe == 0 && syncfs(job->quarantine) != 0) unsafe = error = errno;
    for (uint32_t each = 0; each < count; each++) place_copy(job, &hands, &batch[each], unsafe);
    exchanger_restore_times(&hands);
  }
  exchanger_close(&hands);
  dir_times_close(&times);
  return error;
}
