/*
 * What a killed run leaves: files in its quarantine (each thread that swaps has a part of it, settled by itself), each under
 * the number of a name in its journal. Either a link that was never exchanged, which goes; or a displaced inode. No lease
 * has watched over that one since the run died, so it goes only if it is still equal, byte by byte, to what its name shows;
 * otherwise it goes back, unless the guest has replaced or removed the name itself. A file of which only some names were moved goes back as a whole. Private copies that a killed deunify
 * left: one of which some names have their place gets the others too, so that a guest's hard links stay links; one that has
 * none goes. Immutable flags that were lifted are set again, and directories get their times back.
 */
#include "recover.h"
#include "attributes.h"
#include "copy.h"
#include "lease.h"
#include "sha256.h"
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

/* A name of a file that was to get a private copy. */
typedef struct {
  uint32_t row, file, guest;
  uint64_t shared;
  const char *path;
} Private;

typedef struct {
  uint32_t guest, links;
  uint64_t ino;
  const char *path;
} Flagged;

typedef struct {
  uint32_t guest;
  int64_t mtime;
  bool ours; /* it shows a time of the run's */
  const char *path;
} Directory;

typedef struct {
  Name *names, **by_member;
  Private *privates;
  Flagged *flagged;
  Directory *directories;
  size_t name_count, private_count, flagged_count, directory_count;
} Journal;

static int by_position(const void *left, const void *right) {
  const Name *a = left, *b = right;
  return a->position < b->position ? -1 : a->position > b->position;
}

static int by_member(const void *left, const void *right) {
  const Name *a = *(Name *const *)left, *b = *(Name *const *)right;
  return a->member < b->member ? -1 : a->member > b->member;
}

static int by_file(const void *left, const void *right) {
  const Private *a = left, *b = right;
  return a->file != b->file ? (a->file < b->file ? -1 : 1) : a->row < b->row ? -1 : a->row > b->row;
}

static int read_journal(const Recover *recover, Journal *journal) {
  size_t records = 0;
  for (size_t at = 0; at < recover->journal_size; at++) records += recover->journal[at] == 0;
  journal->names = malloc((records + 1) * sizeof *journal->names);
  journal->directories = malloc((records + 1) * sizeof *journal->directories);
  journal->by_member = malloc((records + 1) * sizeof *journal->by_member);
  journal->privates = malloc((records + 1) * sizeof *journal->privates);
  journal->flagged = malloc((records + 1) * sizeof *journal->flagged);
  if (journal->names == NULL || journal->by_member == NULL || journal->privates == NULL || journal->flagged == NULL || journal->directories == NULL) return ENOMEM;
  const char *end = recover->journal + recover->journal_size;
  for (const char *at = recover->journal; at < end;) {
    const char *next = memchr(at, 0, (size_t)(end - at));
    if (next == NULL) break; /* a torn last record: nothing of it was done, the journal is made durable before */
    unsigned long long member, canonical;
    long long mtime;
    unsigned position, guest, file, links;
    int used = 0;
    if (sscanf(at, "N %x %u %llu %llu %n", &position, &guest, &member, &canonical, &used) == 4 && used > 0 && guest < recover->root_count)
      journal->names[journal->name_count++] = (Name){position, guest, member, canonical, at + used};
    else if (sscanf(at, "D %u %lld %n", &guest, &mtime, &used) == 2 && used > 0 && guest < recover->root_count)
      journal->directories[journal->directory_count++] = (Directory){guest, mtime, false, at + used};
    else if (sscanf(at, "P %x %x %u %llu %n", &position, &file, &guest, &member, &used) == 4 && used > 0 && guest < recover->root_count)
      journal->privates[journal->private_count++] = (Private){position, file, guest, member, at + used};
    else if (sscanf(at, "F %u %llu %u %n", &guest, &member, &links, &used) == 3 && used > 0 && guest < recover->root_count)
      journal->flagged[journal->flagged_count++] = (Flagged){guest, links, member, at + used};
    at = next + 1;
  }
  qsort(journal->names, journal->name_count, sizeof *journal->names, by_position);
  for (size_t at = 0; at < journal->name_count; at++) journal->by_member[at] = &journal->names[at];
  qsort(journal->by_member, journal->name_count, sizeof *journal->by_member, by_member);
  qsort(journal->privates, journal->private_count, sizeof *journal->privates, by_file);
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

static int remove_held(Recover *recover, const char *held) {
  if (unlinkat(recover->quarantine, held, 0) == 0) return 0;
  if (errno != EPERM) return errno;
  int fd = openat(recover->quarantine, held, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC), was = 0;
  if (fd < 0) return errno;
  int error = lift_flag(&recover->gate, fd, &was);
  if (error == 0 && unlinkat(recover->quarantine, held, 0) != 0) error = errno;
  if (was) set_flag_held(&recover->gate, fd);
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

/* Exchanges as long as the guest puts newer files at the name, as exchange_back does. Returns whether what is held may go. */
static bool put_back(int quarantine, const char *held, int dir, const char *name, uint64_t replacement) {
  uint64_t expected = replacement;
  struct stat stat;
  while (fstatat(quarantine, held, &stat, AT_SYMLINK_NOFOLLOW) == 0) {
    uint64_t mine = stat.st_ino;
    if (renameat2(quarantine, held, dir, name, RENAME_EXCHANGE) != 0) return errno == ENOENT;
    if (fstatat(quarantine, held, &stat, AT_SYMLINK_NOFOLLOW) != 0 || stat.st_ino == expected) return true;
    expected = mine;
  }
  return false;
}

/* The immutable flag refuses the exchange to us too. Lifts it from what the name shows. */
static int open_lifted(Recover *recover, int dir, const char *name, int *was) {
  int fd = open_file_at(dir, name);
  *was = 0;
  if (fd >= 0) lift_flag(&recover->gate, fd, was);
  return fd;
}

static void close_lifted(Recover *recover, int fd, int was) {
  if (fd < 0) return;
  if (was) set_flag_held(&recover->gate, fd);
  close(fd);
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
    int was, fd = open_lifted(recover, dir, last, &was);
    if (put_back(recover->quarantine, held, dir, last, name->canonical) && remove_held(recover, held) == 0) recover->restored++;
    else recover->pending++;
    close_lifted(recover, fd, was);
  } else {
    /* The guest has replaced or removed the name since: what it had replaced goes, as with its own rename. */
    if (remove_held(recover, held) != 0) recover->pending++;
    else recover->completed++;
  }
  if (dir >= 0) close(dir);
}

/* Where the names of an inode begin among those sorted by inode. */
static size_t first_of(const Journal *journal, uint64_t member) {
  size_t low = 0, high = journal->name_count;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (journal->by_member[middle]->member < member) low = middle + 1;
    else high = middle;
  }
  return low;
}

/* Puts the private copy at a name that still shows the shared inode; what is held afterwards goes. */
static void place_private(Recover *recover, const Private *name, const char *held, uint64_t copy) {
  const char *last;
  struct stat stat;
  int root = recover->roots[name->guest], was = 0;
  int dir = root < 0 ? -ENOENT : open_parent(root, name->path, &last);
  bool done = true;
  if (dir >= 0 && fstatat(dir, last, &stat, AT_SYMLINK_NOFOLLOW) == 0 && stat.st_ino == name->shared) {
    int fd = open_lifted(recover, dir, last, &was);
    if (renameat2(recover->quarantine, held, dir, last, RENAME_EXCHANGE) == 0 &&
        (fstatat(recover->quarantine, held, &stat, AT_SYMLINK_NOFOLLOW) != 0 || stat.st_ino != name->shared))
      done = put_back(recover->quarantine, held, dir, last, copy); /* the guest was faster: its file stays */
    close_lifted(recover, fd, was);
  }
  if (dir >= 0) close(dir);
  if (done && remove_held(recover, held) == 0) recover->completed++;
  else recover->pending++;
}

/* The names [from, to) of one file of a killed deunify. */
static void settle_private(Recover *recover, const Private *from, const Private *to) {
  char held[16];
  struct stat stat;
  uint64_t copy = 0;
  bool moved = false;
  for (const Private *name = from; name < to; name++) {
    snprintf(held, sizeof held, "p%08x", name->row);
    if (fstatat(recover->quarantine, held, &stat, AT_SYMLINK_NOFOLLOW) != 0) continue;
    if (stat.st_ino == name->shared) moved = true;
    else copy = stat.st_ino;
  }
  for (const Private *name = from; name < to; name++) {
    snprintf(held, sizeof held, "p%08x", name->row);
    if (fstatat(recover->quarantine, held, &stat, AT_SYMLINK_NOFOLLOW) != 0) continue;
    if (moved && stat.st_ino == copy && recover->roots[name->guest] == -2) recover->pending++;
    else if (moved && stat.st_ino == copy) place_private(recover, name, held, copy);
    else if (remove_held(recover, held) != 0) recover->pending++;
  }
}

/* Whether an object's content is what its name says: `/ab/<SHA-256>-…`. */
static bool is_as_named(int fd, const char *path) {
  const char *name = strrchr(path, '/');
  uint8_t digest[32];
  char hex[65], *buffer = malloc(1 << 18);
  Sha256 sha;
  sha256_start(&sha);
  off_t at = 0;
  ssize_t got = -1;
  while (buffer != NULL && (got = pread(fd, buffer, 1 << 18, at)) > 0) {
    sha256_add(&sha, buffer, (size_t)got);
    at += got;
  }
  free(buffer);
  sha256_end(&sha, digest);
  for (int byte = 0; byte < 32; byte++) snprintf(hex + byte * 2, 3, "%02x", digest[byte]);
  return got == 0 && name != NULL && strncmp(name + 1, hex, 64) == 0;
}

static int note_damage(Recover *recover, const char *path) {
  size_t size = strlen(path) + 1;
  char *grown = realloc(recover->damaged, recover->damaged_size + size);
  if (grown == NULL) return ENOMEM;
  memcpy(grown + recover->damaged_size, path, size);
  recover->damaged = grown;
  recover->damaged_size += size;
  return 0;
}

/*
 * Sets a flag that the killed run had lifted, or had not come to set. An object that was open to writes meanwhile is read
 * again: one that is not what its name says any more loses that name, so that nothing else is ever linked to it.
 */
static int set_flag(Recover *recover, const Flagged *flagged) {
  int root = recover->roots[flagged->guest];
  const char *last;
  int dir = root < 0 ? -1 : open_parent(root, flagged->path, &last);
  int fd = dir < 0 ? -1 : open_file_at(dir, last), was = 1, error = 0;
  struct stat stat;
  if (fd >= 0 && fstat(fd, &stat) == 0 && stat.st_ino == flagged->ino && stat.st_nlink > flagged->links && immutable_set(fd, 1, &was) == 0 && !was && flagged->links == 0 &&
      !is_as_named(fd, flagged->path)) {
    immutable_set(fd, 0, NULL);
    unlinkat(dir, last, 0);
    error = note_damage(recover, flagged->path);
  }
  if (fd >= 0) close(fd);
  if (dir >= 0) close(dir);
  return error;
}

static void settle_all(Recover *recover, const Journal *journal, char **held, size_t count) {
  for (size_t at = 0; at < count; at++) {
    struct stat stat;
    char *end;
    Name key = {.position = (uint32_t)strtoul(held[at], &end, 16)};
    if (held[at][0] == 'p' && journal->private_count > 0) continue; /* settle_private */
    if (fstatat(recover->quarantine, held[at], &stat, AT_SYMLINK_NOFOLLOW) != 0) continue;
    const Name *name = *end != 0 ? NULL : bsearch(&key, journal->names, journal->name_count, sizeof key, by_position);
    if (name != NULL && stat.st_ino != name->member && stat.st_ino != name->canonical) {
      /* A file that the guest had put there just then, and that could not be put back. */
      settle(recover, name, held[at], &stat, false);
      continue;
    }
    if (name == NULL || stat.st_ino == name->canonical) {
      /* A link or private copy that was never exchanged, or what such a copy displaced. */
      if (remove_held(recover, held[at]) != 0) recover->pending++;
      continue;
    }
    size_t here = stat.st_nlink == 1;
    for (size_t each = first_of(journal, name->member); stat.st_nlink > 1 && each < journal->name_count && journal->by_member[each]->member == name->member; each++) {
      char text[16];
      struct stat other;
      snprintf(text, sizeof text, "%08x", journal->by_member[each]->position);
      here += fstatat(recover->quarantine, text, &other, AT_SYMLINK_NOFOLLOW) == 0 && other.st_ino == stat.st_ino;
    }
    settle(recover, name, held[at], &stat, here >= stat.st_nlink);
  }
}

static int open_directory(const Recover *recover, const Directory *directory, int64_t *mtime) {
  int root = recover->roots[directory->guest];
  int fd = root < 0 ? -1 : open_beneath(root, directory->path + (directory->path[0] == '/'), O_PATH | O_DIRECTORY);
  struct stat stat;
  if (fd >= 0 && fstat(fd, &stat) == 0) *mtime = stat.st_mtim.tv_sec * 1000000000LL + stat.st_mtim.tv_nsec;
  else *mtime = INT64_MAX;
  return fd;
}

/* Which directories show a time of the run's: later than the run is the guest's own change. */
static void note_times(const Recover *recover, Journal *journal) {
  for (size_t at = 0; at < journal->directory_count; at++) {
    Directory *directory = &journal->directories[at];
    int64_t mtime;
    int fd = open_directory(recover, directory, &mtime);
    if (fd >= 0) close(fd);
    directory->ours = mtime >= directory->mtime && mtime <= recover->ended;
  }
}

/* Gives them the time from before the run, also where recovery has exchanged names since. */
static void restore_times(const Recover *recover, const Journal *journal, int64_t settled) {
  for (size_t at = 0; at < journal->directory_count; at++) {
    const Directory *directory = &journal->directories[at];
    int64_t mtime;
    if (!directory->ours) continue;
    int fd = open_directory(recover, directory, &mtime);
    if (fd >= 0 && mtime > directory->mtime && mtime <= settled) {
      struct timespec set[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_sec = directory->mtime / 1000000000, .tv_nsec = directory->mtime % 1000000000}};
      if (set[1].tv_nsec < 0) set[1].tv_nsec += 1000000000, set[1].tv_sec--;
      utimensat(fd, ".", set, 0);
    }
    if (fd >= 0) close(fd);
  }
}

/* The quarantine's own time is that of the last name that came or went: no exchange of ours was later. */
static int64_t time_of_quarantine(const Recover *recover) {
  struct stat stat;
  return fstat(recover->quarantine, &stat) == 0 ? stat.st_mtim.tv_sec * 1000000000LL + stat.st_mtim.tv_nsec : INT64_MIN;
}

int recover_run(Recover *recover) {
  Journal journal = {0};
  char **held = NULL;
  size_t count = 0, room = 0;
  int error = read_journal(recover, &journal);
  gate_init(&recover->gate);
  int copy = error ? -1 : openat(recover->quarantine, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR *list = copy < 0 ? NULL : fdopendir(copy);
  if (error == 0 && list == NULL) error = errno;
  for (struct dirent *entry; error == 0 && (entry = readdir(list)) != NULL;) {
    if (entry->d_type == DT_DIR) continue; /* also the threads' own parts, which are settled each by itself */
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
  /* First those that are shared: an open one would stay so while names are exchanged. */
  for (size_t at = 0; at < journal.flagged_count && error == 0; at++)
    if (journal.flagged[at].links == 0) error = set_flag(recover, &journal.flagged[at]);
  if (error == 0) {
    note_times(recover, &journal);
    settle_all(recover, &journal, held, count);
    for (size_t from = 0, to; from < journal.private_count; from = to) {
      for (to = from + 1; to < journal.private_count && journal.privates[to].file == journal.privates[from].file;) to++;
      settle_private(recover, &journal.privates[from], &journal.privates[to]);
    }
    int64_t settled = time_of_quarantine(recover);
    restore_times(recover, &journal, settled > recover->ended ? settled : recover->ended);
  }
  for (size_t at = 0; at < journal.flagged_count && error == 0; at++)
    if (journal.flagged[at].links > 0) error = set_flag(recover, &journal.flagged[at]);
  gate_close(&recover->gate, NULL);
  for (size_t at = 0; at < count; at++) free(held[at]);
  free(held);
  free(journal.names);
  free(journal.by_member);
  free(journal.privates);
  free(journal.flagged);
  free(journal.directories);
  return error;
}
