/*
 * The floor under any first pass: walk the trees, and open, read and close once each file that could equal another (same
 * size, owner, mode and time). It looks at no content, checks nothing and prints nothing, so nobody who compares can be faster.
 * usage: floor THREADS DIRECTORY...
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define BLOCK (256 << 10)

typedef struct {
  int64_t size, mtime;
  uint64_t owner, ino;
  uint32_t mode, dir;
  char *name;
  int wanted;
} File;

typedef struct {
  int fd; /* kept open: the floor spends no time on finding directories again */
  char *path;
} Directory;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t more = PTHREAD_COND_INITIALIZER;
static Directory *directories;
static uint32_t directory_count, directory_next, working;
/* In the order of the walk, a directory's files together: any other order is slower. */
static File **found;
static uint32_t found_count;
static _Atomic uint32_t cursor;

static void add_directory(const char *parent, const char *name) {
  char *path;
  if (asprintf(&path, "%s/%s", parent, name) < 0) abort();
  pthread_mutex_lock(&lock);
  if ((directory_count & (directory_count - 1)) == 0) directories = realloc(directories, (directory_count ? directory_count * 2 : 1) * sizeof *directories);
  directories[directory_count++] = (Directory){.fd = -1, .path = path};
  pthread_cond_signal(&more);
  pthread_mutex_unlock(&lock);
}

struct entry {
  uint64_t ino;
  int64_t off;
  unsigned short length;
  unsigned char type;
  char name[];
};

typedef struct {
  File *files;
  uint32_t count;
  char *buffer; /* page-aligned: the kernel copies to nothing else as fast */
} Worker;

static void walk(Worker *worker, uint32_t at, const char *path) {
  int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_NOATIME);
  if (fd < 0) return;
  long got;
  while ((got = syscall(SYS_getdents64, fd, worker->buffer, 65536)) > 0)
    for (long offset = 0; offset < got;) {
      struct entry *entry = (struct entry *)(worker->buffer + offset);
      struct statx stat;
      offset += entry->length;
      if (entry->type == DT_DIR) {
        if (strcmp(entry->name, ".") != 0 && strcmp(entry->name, "..") != 0) add_directory(path, entry->name);
        continue;
      }
      if (entry->type != DT_REG || statx(fd, entry->name, AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS, &stat) != 0 || stat.stx_size == 0) continue;
      if ((worker->count & (worker->count - 1)) == 0) worker->files = realloc(worker->files, (worker->count ? worker->count * 2 : 1) * sizeof *worker->files);
      worker->files[worker->count++] = (File){
          .size = (int64_t)stat.stx_size,
          .mtime = stat.stx_mtime.tv_sec * 1000000000LL + stat.stx_mtime.tv_nsec,
          .owner = (uint64_t)stat.stx_uid << 32 | stat.stx_gid,
          .ino = stat.stx_ino,
          .mode = stat.stx_mode,
          .dir = at,
          .name = strdup(entry->name),
      };
    }
  directories[at].fd = fd;
}

static void *walker(void *argument) {
  for (;;) {
    pthread_mutex_lock(&lock);
    while (directory_next == directory_count && working > 0) pthread_cond_wait(&more, &lock);
    if (directory_next == directory_count) {
      pthread_cond_broadcast(&more);
      pthread_mutex_unlock(&lock);
      return NULL;
    }
    uint32_t at = directory_next++;
    const char *path = directories[at].path;
    working++;
    pthread_mutex_unlock(&lock);
    walk(argument, at, path);
    pthread_mutex_lock(&lock);
    if (--working == 0) pthread_cond_broadcast(&more);
    pthread_mutex_unlock(&lock);
  }
}

static int by_identity(const void *left, const void *right) {
  const File *a = *(File *const *)left, *b = *(File *const *)right;
  if (a->size != b->size) return a->size < b->size ? -1 : 1;
  if (a->mtime != b->mtime) return a->mtime < b->mtime ? -1 : 1;
  if (a->owner != b->owner) return a->owner < b->owner ? -1 : 1;
  if (a->mode != b->mode) return a->mode < b->mode ? -1 : 1;
  return a->ino < b->ino ? -1 : a->ino > b->ino;
}

static int alike(const File *a, const File *b) { return a->size == b->size && a->mtime == b->mtime && a->owner == b->owner && a->mode == b->mode; }

static void *reader(void *argument) {
  Worker *worker = argument;
  for (uint32_t from; (from = atomic_fetch_add(&cursor, 32)) < found_count;)
    for (uint32_t at = from; at < from + 32 && at < found_count; at++) {
      int fd = openat(directories[found[at]->dir].fd, found[at]->name, O_RDONLY | O_NOFOLLOW | O_NOATIME | O_NONBLOCK);
      if (fd < 0) continue;
      for (int64_t read = 0; read < found[at]->size;) {
        ssize_t got = pread(fd, worker->buffer, BLOCK, read);
        if (got <= 0) break;
        read += got;
      }
      close(fd);
    }
  return NULL;
}

static void run(Worker **workers, uint32_t threads, void *(*work)(void *)) {
  pthread_t ids[threads];
  for (uint32_t at = 0; at < threads; at++) pthread_create(&ids[at], NULL, work, workers[at]);
  for (uint32_t at = 0; at < threads; at++) pthread_join(ids[at], NULL);
}

int main(int words_count, char **words) {
  if (words_count < 3) return 2;
  uint32_t threads = (uint32_t)atoi(words[1]), total = 0;
  Worker *workers[threads];
  for (uint32_t at = 0; at < threads; at++) {
    workers[at] = calloc(1, sizeof **workers);
    workers[at]->buffer = aligned_alloc(4096, BLOCK);
  }
  for (int at = 2; at < words_count; at++) add_directory(words[at], ".");
  run(workers, threads, walker);
  for (uint32_t at = 0; at < threads; at++) total += workers[at]->count;
  found = malloc((total + 1) * sizeof *found);
  File **sorted = malloc((total + 1) * sizeof *sorted);
  uint32_t count = 0;
  for (uint32_t at = 0; at < threads; at++)
    for (uint32_t file = 0; file < workers[at]->count; file++) sorted[count++] = &workers[at]->files[file];
  qsort(sorted, total, sizeof *sorted, by_identity);
  for (uint32_t from = 0, to; from < total; from = to) {
    uint32_t inodes = 1;
    for (to = from + 1; to < total && alike(sorted[from], sorted[to]); to++) inodes += sorted[to]->ino != sorted[to - 1]->ino;
    for (uint32_t at = from; inodes > 1 && at < to; at++) sorted[at]->wanted = at == from || sorted[at]->ino != sorted[at - 1]->ino;
  }
  for (uint32_t at = 0; at < threads; at++)
    for (uint32_t file = 0; file < workers[at]->count; file++)
      if (workers[at]->files[file].wanted) found[found_count++] = &workers[at]->files[file];
  run(workers, threads, reader);
  return 0;
}
