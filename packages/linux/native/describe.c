#include "describe.h"
#include "sha256.h"
#include "tree.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

/* A tree deeper than this is a trap: its directories are reported, not entered. Each level costs a descriptor. */
#define DEEPEST 512
/* Large enough that system calls do not count, small enough for a thread's cache. */
#define READ_SIZE (256 * 1024)

static int reserve(Records *records, size_t more) {
  if (records->length + more <= records->room) return 0;
  size_t room = records->room == 0 ? 65536 : records->room;
  while (room < records->length + more) room *= 2;
  uint8_t *bytes = realloc(records->bytes, room);
  if (bytes == NULL) return ENOMEM;
  records->bytes = bytes;
  records->room = room;
  return 0;
}

static void put(Records *records, const void *data, size_t size) {
  memcpy(records->bytes + records->length, data, size);
  records->length += size;
}

static void put32(Records *records, uint32_t value) { put(records, &value, sizeof value); }
static void put64(Records *records, uint64_t value) { put(records, &value, sizeof value); }

static int put_name(Records *records, const char *path, size_t length, const struct stat *st, int error, const char *target, size_t target_length) {
  if (reserve(records, 40 + length + target_length)) return ENOMEM;
  put32(records, (uint32_t)error);
  put32(records, st->st_mode);
  put32(records, st->st_uid);
  put32(records, st->st_gid);
  put64(records, (uint64_t)st->st_size);
  put64(records, st->st_rdev);
  put32(records, (uint32_t)length);
  put32(records, (uint32_t)target_length);
  put(records, path, length);
  put(records, target, target_length);
  return 0;
}

typedef struct {
  Records *records;
  Control *control;
  char *path; /* of the directory being listed, with a trailing slash unless it is the root */
  size_t length, room;
  dev_t device;
} Listing;

static int list_directory(Listing *listing, int fd, int depth);

static int list_name(Listing *listing, int directory, const char *name, int depth) {
  size_t before = listing->length, length = strlen(name);
  if (before + length + 2 > listing->room) {
    size_t room = (before + length + 2) * 2;
    char *path = realloc(listing->path, room);
    if (path == NULL) return ENOMEM;
    listing->path = path;
    listing->room = room;
  }
  memcpy(listing->path + before, name, length + 1);
  listing->length += length;
  struct stat st = {0};
  char target[4096];
  ssize_t target_length = 0;
  int error = fstatat(directory, name, &st, AT_SYMLINK_NOFOLLOW) == 0 ? 0 : errno;
  if (error == ENOENT) {
    listing->length = before;
    return 0; /* removed meanwhile: it is not there */
  }
  if (error == 0 && S_ISLNK(st.st_mode) && (target_length = readlinkat(directory, name, target, sizeof target)) < 0) {
    error = errno;
    target_length = 0;
  }
  int fd = -1;
  if (error == 0 && S_ISDIR(st.st_mode)) {
    /* Another file system is not part of the tree; it is listed as the empty directory it covers. */
    if (st.st_dev != listing->device) fd = -EXDEV;
    else fd = depth >= DEEPEST ? -ELOOP : open_beneath(directory, name, O_RDONLY | O_DIRECTORY);
    if (fd < 0 && fd != -EXDEV) error = -fd;
  }
  int failed = put_name(listing->records, listing->path, listing->length, &st, error, target, (size_t)target_length);
  if (fd >= 0) {
    listing->path[listing->length++] = '/';
    listing->path[listing->length] = 0;
    if (failed) close(fd);
    else failed = list_directory(listing, fd, depth + 1);
  }
  listing->length = before;
  return failed;
}

/* Takes over fd. */
static int list_directory(Listing *listing, int fd, int depth) {
  DIR *directory = fdopendir(fd);
  if (directory == NULL) {
    int error = errno;
    close(fd);
    return error;
  }
  int failed = 0;
  struct dirent *entry;
  while (failed == 0 && (entry = readdir(directory)) != NULL) {
    if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
    if (control_wait(listing->control)) failed = ECANCELED;
    else failed = list_name(listing, dirfd(directory), entry->d_name, depth);
    atomic_fetch_add_explicit(&listing->control->files, 1, memory_order_relaxed);
  }
  closedir(directory);
  return failed;
}

int list_below(int root, Records *records, Control *control) {
  struct stat st;
  int fd = open_beneath(root, "", O_RDONLY | O_DIRECTORY);
  if (fd < 0) return -fd;
  Listing listing = {.records = records, .control = control, .room = 4096, .path = malloc(4096)};
  if (listing.path == NULL || fstat(fd, &st) != 0) {
    int error = listing.path == NULL ? ENOMEM : errno;
    close(fd);
    free(listing.path);
    return error;
  }
  listing.device = st.st_dev;
  int error = list_directory(&listing, fd, 0);
  free(listing.path);
  return error;
}

static int by_name(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

/* Appends the attributes of an open file, sorted by name; *count tells how many. Returns 0 or an errno. */
static int put_attributes(Records *records, int fd, uint32_t *count) {
  char list[65536], value[65536]; /* XATTR_LIST_MAX, XATTR_SIZE_MAX */
  char *names[65536 / 2];
  *count = 0;
  ssize_t size = flistxattr(fd, list, sizeof list);
  if (size < 0) return errno == ENOTSUP ? 0 : errno;
  size_t found = 0;
  for (char *at = list; at < list + size; at += strlen(at) + 1) names[found++] = at;
  qsort(names, found, sizeof *names, by_name);
  for (size_t at = 0; at < found; at++) {
    ssize_t length = fgetxattr(fd, names[at], value, sizeof value);
    if (length < 0 && errno == ENODATA) continue;
    if (length < 0) return errno;
    size_t name = strlen(names[at]);
    if (reserve(records, 8 + name + (size_t)length)) return ENOMEM;
    put32(records, (uint32_t)name);
    put32(records, (uint32_t)length);
    put(records, names[at], name);
    put(records, value, (size_t)length);
    ++*count;
  }
  return 0;
}

static int hash_file(int fd, uint8_t *buffer, uint8_t digest[32], uint32_t *flags, Control *control) {
  Sha256 sha;
  sha256_start(&sha);
  ssize_t got;
  for (int first = 1; (got = read(fd, buffer, READ_SIZE)) != 0; first = 0) {
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return errno;
    if (first && got >= 4 && memcmp(buffer, "\177ELF", 4) == 0) *flags |= DESCRIBE_ELF;
    sha256_add(&sha, buffer, (size_t)got);
    control_charge(control, got);
    control_breathe(control);
    if (control_wait(control)) return ECANCELED;
  }
  sha256_end(&sha, digest);
  return 0;
}

static int same(const struct stat *a, const struct stat *b) {
  return a->st_size == b->st_size && a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec && a->st_ctim.tv_sec == b->st_ctim.tv_sec && a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

static int describe_path(int root, const char *path, uint8_t *buffer, Records *records, Control *control) {
  if (reserve(records, 64)) return ENOMEM;
  size_t start = records->length;
  records->length += 64;
  uint8_t digest[32] = {0};
  uint32_t flags = 0, count = 0;
  struct stat before = {0}, after = {0};
  /* O_NONBLOCK: what was a file a moment ago may be a FIFO now. */
  int fd = open_beneath(root, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
  int error = fd < 0 ? -fd : fstat(fd, &before) == 0 ? 0 : errno;
  if (error == 0 && !S_ISREG(before.st_mode) && !S_ISDIR(before.st_mode)) error = EINVAL;
  if (error == 0) error = put_attributes(records, fd, &count);
  if (error == 0 && S_ISREG(before.st_mode)) error = hash_file(fd, buffer, digest, &flags, control);
  if (error == 0 && fstat(fd, &after) != 0) error = errno;
  if (error == 0 && S_ISREG(before.st_mode) && !same(&before, &after)) flags |= DESCRIBE_CHANGED;
  if (fd >= 0) close(fd);
  if (error == ECANCELED || error == ENOMEM) return error;
  if (error != 0) {
    count = 0;
    records->length = start + 64;
  }
  size_t end = records->length;
  records->length = start;
  put32(records, (uint32_t)error);
  put32(records, flags);
  put64(records, (uint64_t)before.st_size);
  put32(records, before.st_mode);
  put32(records, before.st_uid);
  put32(records, before.st_gid);
  put32(records, count);
  put(records, digest, sizeof digest);
  records->length = end;
  return 0;
}

int describe_paths(int root, const char *paths, size_t size, Records *records, Control *control) {
  uint8_t *buffer = malloc(READ_SIZE);
  int failed = buffer == NULL ? ENOMEM : 0;
  for (size_t at = 0; at < size && failed == 0; at += strlen(paths + at) + 1) {
    failed = control_wait(control) ? ECANCELED : describe_path(root, paths + at, buffer, records, control);
    control_breathe(control);
    atomic_fetch_add_explicit(&control->files, 1, memory_order_relaxed);
  }
  free(buffer);
  return failed;
}
