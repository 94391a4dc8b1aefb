#include "exchange.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct DirTime {
  int64_t before, ours; /* mtime before our first change, and after our last */
  bool touched;
} DirTime;

static inline int64_t time_of(struct timespec time) { return time.tv_sec * 1000000000LL + time.tv_nsec; }

int dir_times_open(DirTimes *times, const Tree *tree) {
  for (int at = 0; at < 64; at++) pthread_mutex_init(&times->locks[at], NULL);
  times->times = calloc((size_t)tree_dir_count(tree) + 1, sizeof *times->times);
  return times->times == NULL ? ENOMEM : 0;
}

void dir_times_close(DirTimes *times) { free(times->times); }

void exchanger_open(Exchanger *exchanger, const Tree *tree, DirTimes *shared) {
  exchanger->tree = tree;
  exchanger->shared = shared;
  exchanger->touched_count = 0;
  dir_cache_open(&exchanger->dirs);
}

void exchanger_close(Exchanger *exchanger) {
  exchanger_restore_times(exchanger);
  dir_cache_close(&exchanger->dirs);
}

int exchange_name(Exchanger *exchanger, const Row *row, int quarantine, const char *held) {
  uint32_t dir = row->dir;
  int fd = dir_cache_get(&exchanger->dirs, exchanger->tree, dir);
  if (fd < 0) return -fd;
  DirTime *times = &exchanger->shared->times[dir];
  pthread_mutex_t *lock = &exchanger->shared->locks[dir % 64];
  struct stat stat;
  pthread_mutex_lock(lock);
  int error = 0;
  if (!times->touched) {
    if (fstat(fd, &stat) != 0) error = errno;
    else times->before = times->ours = time_of(stat.st_mtim);
  }
  if (error == 0 && renameat2(quarantine, held, fd, tree_name(exchanger->tree, row->name), RENAME_EXCHANGE) != 0) error = errno;
  if (error == 0) {
    if (fstat(fd, &stat) == 0) times->ours = time_of(stat.st_mtim);
    times->touched = true;
  }
  pthread_mutex_unlock(lock);
  if (error == 0 && (exchanger->touched_count == 0 || exchanger->touched[exchanger->touched_count - 1] != dir)) {
    if (exchanger->touched_count == TOUCHED) exchanger_restore_times(exchanger);
    exchanger->touched[exchanger->touched_count++] = dir;
  }
  return error;
}

static void restore_time(Exchanger *exchanger, uint32_t dir) {
  DirTime *times = &exchanger->shared->times[dir];
  pthread_mutex_t *lock = &exchanger->shared->locks[dir % 64];
  int fd = dir_cache_get(&exchanger->dirs, exchanger->tree, dir);
  struct stat stat;
  pthread_mutex_lock(lock);
  /* A guest that changed the directory after us keeps its own time. */
  if (times->touched && fd >= 0 && fstat(fd, &stat) == 0 && time_of(stat.st_mtim) == times->ours) {
    struct timespec set[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_sec = times->before / 1000000000, .tv_nsec = times->before % 1000000000}};
    if (set[1].tv_nsec < 0) set[1].tv_nsec += 1000000000, set[1].tv_sec--;
    utimensat(fd, ".", set, 0);
  }
  times->touched = false;
  pthread_mutex_unlock(lock);
}

void exchanger_restore_times(Exchanger *exchanger) {
  for (uint32_t at = 0; at < exchanger->touched_count; at++) restore_time(exchanger, exchanger->touched[at]);
  exchanger->touched_count = 0;
}

/*
 * The guest may rename over the name at any moment, so what the quarantine yields is looked at each time: the newest file the
 * guest put there stays, and what it had replaced itself is dropped, as its own rename would have done.
 */
void exchange_back(Exchanger *exchanger, const Row *row, int quarantine, const char *held, uint64_t replacement) {
  uint64_t expected = replacement;
  struct stat stat;
  for (;;) {
    if (fstatat(quarantine, held, &stat, AT_SYMLINK_NOFOLLOW) != 0) return;
    uint64_t mine = stat.st_ino;
    int error = exchange_name(exchanger, row, quarantine, held);
    /* The name or its directory is gone: the guest removed the file. Whatever else refuses, the file stays for recovery. */
    if (error == ENOENT || error == ENOTDIR || error == ELOOP) break;
    if (error != 0) return;
    if (fstatat(quarantine, held, &stat, AT_SYMLINK_NOFOLLOW) != 0 || stat.st_ino == expected) break;
    expected = mine;
  }
  unlinkat(quarantine, held, 0);
}

int exchange_checked(Exchanger *exchanger, const Row *row, int quarantine, const char *held, uint64_t replacement, uint64_t member) {
  int error = exchange_name(exchanger, row, quarantine, held);
  if (error) {
    unlinkat(quarantine, held, 0);
    return error;
  }
  struct stat stat;
  if (fstatat(quarantine, held, &stat, AT_SYMLINK_NOFOLLOW) == 0 && stat.st_ino == member) return 0;
  exchange_back(exchanger, row, quarantine, held, replacement);
  return ESTALE;
}
