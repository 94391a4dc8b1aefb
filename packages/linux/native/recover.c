/*
 * What a killed run leaves: files in its quarantine, each under the number of a name in its journal. Either a link that was
 * never exchanged, which goes; or a displaced inode. No lease has watched over that one since the run died, so it goes only
 * if it is still equal, byte by byte, to what its name shows; otherwise it goes back, unless the guest has replaced or removed
 * the name itself. A file of which only some names were moved goes back as a whole.
 */
#include "recover.h"
#include "attributes.h"
#include "copy.h"
#include "lease.h"
#include "tree.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct {
  uint32_t position, guest;
  uint64_t member, canonical;
  const char *path;
} Name;

typedef struct {
  uint32_t guest;
  int64_t mtime;
  const char *path;
} Directory;

typedef struct {
  Name *names;
  Directory *directories;
  size_t name_count, directory_count;
} Journal;

static int by_position(const void *left, const void *right) {
  const Name *a = left, *b = right;
  return a->position < b->position ? -1 : a->position > b->position;
}

static int read_journal(const Recover *recover, Journal *journal) {
  size_t records = 0;
  for (size_t at = 0; at < recover->journal_size; at++) records += recover->journal[at] == 0;
  journal->names = malloc((records + 1) * sizeof *journal->names);
  journal->directories = malloc((records + 1) * sizeof *journal->directories);
  if (journal->names == NULL || journal->directories == NULL) return ENOMEM;
  const char *end = recover->journal + recover->journal_size;
  for (const char *at = recover->journal; at < end;) {
    const char *next = memchr(at, 0, (size_t)(end - at));
    if (next == NULL) break; /* a torn last record: nothing of it was done, the journal is made durable before */
    unsigned long long member, canonical;
    long long mtime;
    unsigned position, guest;
    int used = 0;
    if (sscanf(at, "N %x %u %llu %llu %n", &position, &guest, &member, &canonical, &used) == 4 && used > 0 && guest < recover->root_count)
      journal->names[journal->name_count++] = (Name){position, guest, member, canonical, at + used};
    else if (sscanf(at, "D %u %lld %n", &guest, &mtime, &used) == 2 && used > 0 && guest < recover->root_count)
      journal->directories[journal->directory_count++] = (Directory){guest, mtime, at + used};
    at = next + 1;
  }
  qsort(journal->names, journal->name_count, sizeof *journal->names, by_position);
  return 0;
}

/* Splits `/a/b` and opens `/a` below the root. Returns a descriptor or -errno; *name points into the path. */
static int open_parent(int root, const char *path, const char **name) {
  const char *cut = strrchr(path, '/');
  if (cut == NULL) return -EINVAL;
  *name = cut + 1;
  size_t length = (size_t)(cut - path);
  char *parent = strndup(path, length);
  if (parent == NULL) return -ENOMEM;
  int fd = open_beneath(root, length == 0 ? "" : parent + 1, O_PATH | O_DIRECTORY);
  free(parent);
  return fd;
}

static int remove_held(int quarantine, const char *held) {
  if (unlinkat(quarantine, held, 0) == 0) return 0;
  if (errno != EPERM) return errno;
  int fd = openat(quarantine, held, O_RDONLY | O_NOFOLLOW | O_NONBLOCK), was = 0;
  if (fd < 0) return errno;
  int error = immutable_set(fd, 0, &was);
  if (error == 0 && unlinkat(quarantine, held, 0) != 0) error = errno;
  struct stat stat;
  if (was && fstat(fd, &stat) == 0 && stat.st_nlink > 0) immutable_set(fd, 1, NULL);
  close(fd);
  return error;
}

/* Whether the displaced inode says nothing that its name does not say too. */
static bool is_equal(int quarantine, const char *held, int dir, const char *name, const struct stat *displaced) {
  int left = openat(quarantine, held, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOATIME | O_CLOEXEC), right = open_file_at(dir, name);
  struct stat stat;
  Attributes one, two;
  bool equal = left >= 0 && right >= 0 && lease_take(left) == 0 && fstat(right, &stat) == 0 && stat.st_size == displaced->st_size && stat.st_mode == displaced->st_mode &&
               stat.st_uid == displaced->st_uid && stat.st_gid == displaced->st_gid && attributes_read(left, &one) == 0 && attributes_read(right, &two) == 0 &&
               memcmp(&one, &two, sizeof one) == 0 && compare_files(left, right, (uint64_t)stat.st_size, NULL) == 0;
  if (left >= 0) close(left);
  if (right >= 0) close(right);
  return equal;
}

/* Exchanges as long as the guest puts newer files at the name, as exchange_back does. */
static void put_back(int quarantine, const char *held, int dir, const char *name, uint64_t replacement) {
  uint64_t expected = replacement;
  struct stat stat;
  while (fstatat(quarantine, held, &stat, AT_SYMLINK_NOFOLLOW) == 0) {
    uint64_t mine = stat.st_ino;
    if (renameat2(quarantine, held, dir, name, RENAME_EXCHANGE) != 0) return;
    if (fstatat(quarantine, held, &stat, AT_SYMLINK_NOFOLLOW) != 0 || stat.st_ino == expected) return;
    expected = mine;
  }
}

/* The immutable flag refuses the exchange to us too. Lifts it from what the name shows. */
static int lift_flag(int dir, const char *name, int *was) {
  int fd = open_file_at(dir, name);
  *was = 0;
  if (fd < 0) return -1;
  immutable_set(fd, 0, was);
  return fd;
}

static void settle(Recover *recover, const Name *name, const char *held, const struct stat *stat, bool whole) {
  int root = recover->roots[name->guest];
  if (root == -2) {
    recover->pending++;
    return;
  }
  const char *last;
  struct stat now;
  int dir = root < 0 ? -ENOENT : open_parent(root, name->path, &last);
  bool there = dir >= 0 && fstatat(dir, last, &now, AT_SYMLINK_NOFOLLOW) == 0;
  if (there && now.st_ino == name->canonical && !(whole && is_equal(recover->quarantine, held, dir, last, stat))) {
    int was, fd = lift_flag(dir, last, &was);
    put_back(recover->quarantine, held, dir, last, name->canonical);
    remove_held(recover->quarantine, held);
    if (fd >= 0) {
      if (was) immutable_set(fd, 1, NULL);
      close(fd);
    }
    recover->restored++;
  } else {
    /* The guest has replaced or removed the name since: what it had replaced goes, as with its own rename. */
    if (remove_held(recover->quarantine, held) != 0) recover->pending++;
    else recover->completed++;
  }
  if (dir >= 0) close(dir);
}

static void settle_all(Recover *recover, const Journal *journal, char **held, size_t count) {
  for (size_t at = 0; at < count; at++) {
    struct stat stat;
    char *end;
    Name key = {.position = (uint32_t)strtoul(held[at], &end, 16)};
    if (fstatat(recover->quarantine, held[at], &stat, AT_SYMLINK_NOFOLLOW) != 0) continue;
    const Name *name = *end != 0 ? NULL : bsearch(&key, journal->names, journal->name_count, sizeof key, by_position);
    if (name == NULL || stat.st_ino != name->member) {
      /* A link or private copy that was never exchanged, or what such a copy displaced. */
      if (remove_held(recover->quarantine, held[at]) != 0) recover->pending++;
      continue;
    }
    size_t here = stat.st_nlink == 1;
    for (const Name *each = journal->names; stat.st_nlink > 1 && each < journal->names + journal->name_count; each++) {
      if (each->member != name->member) continue;
      char text[16];
      struct stat other;
      snprintf(text, sizeof text, "%08x", each->position);
      here += fstatat(recover->quarantine, text, &other, AT_SYMLINK_NOFOLLOW) == 0 && other.st_ino == stat.st_ino;
    }
    settle(recover, name, held[at], &stat, here >= stat.st_nlink);
  }
}

static void restore_times(const Recover *recover, const Journal *journal) {
  for (size_t at = 0; at < journal->directory_count; at++) {
    const Directory *directory = &journal->directories[at];
    if (recover->roots[directory->guest] < 0) continue;
    int fd = open_beneath(recover->roots[directory->guest], directory->path + (directory->path[0] == '/'), O_PATH | O_DIRECTORY);
    struct stat stat;
    if (fd < 0) continue;
    int64_t mtime = fstat(fd, &stat) == 0 ? stat.st_mtim.tv_sec * 1000000000LL + stat.st_mtim.tv_nsec : INT64_MAX;
    /* Later than the run: the guest's own change. */
    if (mtime > directory->mtime && mtime <= recover->ended) {
      struct timespec set[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_sec = directory->mtime / 1000000000, .tv_nsec = directory->mtime % 1000000000}};
      if (set[1].tv_nsec < 0) set[1].tv_nsec += 1000000000, set[1].tv_sec--;
      utimensat(fd, ".", set, 0);
    }
    close(fd);
  }
}

int recover_run(Recover *recover) {
  Journal journal = {0};
  char **held = NULL;
  size_t count = 0, room = 0;
  int error = read_journal(recover, &journal);
  int copy = error ? -1 : openat(recover->quarantine, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR *list = copy < 0 ? NULL : fdopendir(copy);
  if (error == 0 && list == NULL) error = errno;
  for (struct dirent *entry; error == 0 && (entry = readdir(list)) != NULL;) {
    if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
    if (count == room) {
      char **grown = realloc(held, (room = room * 2 + 64) * sizeof *held);
      if (grown == NULL) {
        error = ENOMEM;
        break;
      }
      held = grown;
    }
    if ((held[count] = strdup(entry->d_name)) == NULL) error = ENOMEM;
    else count++;
  }
  if (list != NULL) closedir(list);
  if (error == 0) settle_all(recover, &journal, held, count);
  if (error == 0) restore_times(recover, &journal);
  for (size_t at = 0; at < count; at++) free(held[at]);
  free(held);
  free(journal.names);
  free(journal.directories);
  return error;
}
