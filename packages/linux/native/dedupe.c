#include "dedupe.h"
#include "extents.h"
#include "reason.h"
#include <errno.h>
#include <linux/fs.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

/* The kernel takes at most a page of destinations a call (127); fewer keep a call short enough to cancel. */
#define DESTINATIONS 32
/* btrfs works on 16 MiB at a time anyway. */
#define STRETCH ((uint64_t)16 << 20)
#define TAKE 16

static const Row *row_of(const Dedupe *job, uint32_t inode) {
  const Candidates *candidates = job->tree->candidates;
  return &tree_rows(job->tree)[candidates->order[candidates->inodes[inode].first]];
}

/* Opens an inode that still has the size it was scanned with. Returns a descriptor or -errno. */
static int open_inode(const Dedupe *job, DirCache *dirs, uint32_t inode) {
  const Row *row = row_of(job, inode);
  int dir = dir_cache_get(dirs, job->tree, row->dir), fd = dir < 0 ? dir : open_file_at(dir, tree_name(job->tree, row->name));
  struct stat stat;
  if (fd < 0) return fd;
  if (fstat(fd, &stat) == 0 && S_ISREG(stat.st_mode) && stat.st_ino == row->ino && (uint64_t)stat.st_size == tree_facts(job->tree, row)->size) return fd;
  close(fd);
  return -ESTALE;
}

static void fail(Dedupe *job, uint32_t inode, int error) {
  uint32_t state = STATE_ERROR;
  if (error == ESTALE || error == ENOENT || error == ENOTDIR || error == ELOOP || error == ENXIO) state = STATE_CHANGED;
  else if (error == ETXTBSY || error == EAGAIN) state = STATE_BUSY;
  else if (error == EINVAL || error == EOPNOTSUPP || error == EXDEV) state = STATE_UNSUPPORTED;
  else if (error == EPERM) state = STATE_IMMUTABLE;
  else if (error == ECANCELED) state = STATE_STOPPED;
  else tree_fail(job->tree, row_of(job, inode)->dir, row_of(job, inode)->name, error);
  job->results[inode] = (DedupeResult){.state = state};
}

static void measure(Dedupe *job, DirCache *dirs, size_t at) {
  uint32_t inode = job->words[at];
  int fd = open_inode(job, dirs, inode);
  Extents extents;
  int error = fd < 0 ? -fd : extents_read(fd, &extents);
  if (fd >= 0) close(fd);
  if (error) fail(job, inode, error);
  else job->results[inode] = (DedupeResult){.place = extents.place, .bytes = extents.exclusive, .state = extents.shareable ? STATE_NEW : STATE_UNSUPPORTED};
}

typedef struct {
  uint32_t inode;
  int fd;
  uint64_t exclusive;
} Destination;

/* Settles one destination and takes it from the list. */
static void finish(Dedupe *job, Destination *all, uint32_t *count, uint32_t at, int error) {
  Destination done = all[at];
  all[at] = all[--*count];
  Extents after;
  if (error == 0) error = extents_read(done.fd, &after);
  if (error) fail(job, done.inode, error);
  else {
    job->results[done.inode] = (DedupeResult){.state = STATE_DONE, .bytes = done.exclusive > after.exclusive ? done.exclusive - after.exclusive : 0};
    atomic_fetch_add_explicit(&job->control->files, job->tree->candidates->inodes[done.inode].names, memory_order_relaxed);
  }
  close(done.fd);
}

/* One call over one stretch. A destination that shared less than the stretch is done again alone. */
static void share_stretch(Dedupe *job, int source, uint64_t at, uint64_t length, Destination *all, uint32_t *count) {
  union {
    struct file_dedupe_range range;
    char room[sizeof(struct file_dedupe_range) + DESTINATIONS * sizeof(struct file_dedupe_range_info)];
  } call;
  memset(&call, 0, sizeof call);
  call.range.src_offset = at;
  call.range.src_length = length;
  call.range.dest_count = (uint16_t)*count;
  for (uint32_t each = 0; each < *count; each++) call.range.info[each] = (struct file_dedupe_range_info){.dest_fd = all[each].fd, .dest_offset = at};
  int error = ioctl(source, FIDEDUPERANGE, &call.range) != 0 ? errno : 0;
  control_charge(job->control, (int64_t)length);
  atomic_fetch_add_explicit(&job->control->bytes_compared, (int64_t)(length * *count), memory_order_relaxed);
  for (uint32_t each = *count; each-- > 0;) {
    const struct file_dedupe_range_info *info = &call.range.info[each];
    if (error) finish(job, all, count, each, error);
    else if (info->status < 0) finish(job, all, count, each, -info->status);
    else if (info->status == FILE_DEDUPE_RANGE_DIFFERS) finish(job, all, count, each, ESTALE);
    else if (info->bytes_deduped < length) {
      Destination one = all[each];
      uint32_t single = 1;
      if (info->bytes_deduped == 0) finish(job, all, count, each, EINVAL);
      else {
        share_stretch(job, source, at + info->bytes_deduped, length - info->bytes_deduped, &one, &single);
        if (single == 0) all[each] = all[--*count]; /* settled by the inner call */
      }
    }
  }
}

static void share(Dedupe *job, DirCache *dirs, size_t group) {
  const uint32_t *plan = job->words + group;
  int source = open_inode(job, dirs, plan[0]);
  uint64_t size = tree_facts(job->tree, row_of(job, plan[0]))->size;
  for (uint32_t from = 0; from < plan[1]; from += DESTINATIONS) {
    Destination all[DESTINATIONS];
    uint32_t count = 0;
    for (uint32_t at = from; at < plan[1] && at < from + DESTINATIONS; at++) {
      uint32_t inode = plan[2 + at];
      int fd = source < 0 ? source : cancelled(job->control) ? -ECANCELED : open_inode(job, dirs, inode);
      Extents before;
      int error = fd < 0 ? -fd : extents_read(fd, &before);
      if (error) {
        if (fd >= 0) close(fd);
        fail(job, inode, error);
      } else all[count++] = (Destination){inode, fd, before.exclusive};
    }
    for (uint64_t at = 0; at < size && count > 0; at += STRETCH) {
      if (control_wait(job->control))
        while (count > 0) finish(job, all, &count, 0, ECANCELED);
      else share_stretch(job, source, at, size - at < STRETCH ? size - at : STRETCH, all, &count);
    }
    while (count > 0) finish(job, all, &count, 0, 0);
  }
  if (source >= 0) close(source);
}

typedef struct {
  Dedupe *job;
  void (*each)(Dedupe *, DirCache *, size_t);
  const size_t *starts; /* of groups; NULL: every word */
  size_t count;
} Pass;

static void *work(void *argument) {
  Pass *pass = argument;
  Dedupe *job = pass->job;
  DirCache dirs;
  dir_cache_open(&dirs);
  for (size_t from; !control_wait(job->control) && (from = atomic_fetch_add(&job->next, TAKE)) < pass->count;)
    for (size_t at = from; at < pass->count && at < from + TAKE && !cancelled(job->control); at++) pass->each(job, &dirs, pass->starts == NULL ? at : pass->starts[at]);
  dir_cache_close(&dirs);
  return NULL;
}

static int run(Pass *pass) {
  pthread_t ids[64];
  uint32_t threads = pass->job->threads > 64 ? 64 : pass->job->threads, started = 0;
  atomic_store(&pass->job->next, 0);
  while (started < threads && pthread_create(&ids[started], NULL, work, pass) == 0) started++;
  if (started == 0) return EAGAIN;
  for (uint32_t at = 0; at < started; at++) pthread_join(ids[at], NULL);
  return 0;
}

int dedupe_measure(Dedupe *job) {
  Pass pass = {.job = job, .each = measure, .count = job->count};
  int error = run(&pass);
  return cancelled(job->control) ? ECANCELED : error;
}

int dedupe_run(Dedupe *job) {
  size_t groups = 0;
  size_t *starts = malloc((job->count / 3 + 1) * sizeof *starts);
  if (starts == NULL) return ENOMEM;
  for (size_t at = 0; at < job->count; at += 2 + job->words[at + 1]) {
    starts[groups++] = at;
    for (uint32_t member = 0; member < job->words[at + 1]; member++) job->results[job->words[at + 2 + member]].state = STATE_STOPPED;
  }
  Pass pass = {.job = job, .each = share, .starts = starts, .count = groups};
  int error = run(&pass);
  free(starts);
  return error;
}
