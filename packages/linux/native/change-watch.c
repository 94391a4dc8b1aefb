#include "change-watch.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/fanotify.h>
#include <linux/limits.h>
#include <linux/stat.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/fanotify.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "change-set.h"

/* FAN_MODIFY too: truncate(2) by path raises nothing else, and a writer that stays open is seen before it closes. */
#define EVENTS (FAN_MODIFY | FAN_CLOSE_WRITE | FAN_ATTRIB | FAN_CREATE | FAN_DELETE | FAN_MOVED_FROM | FAN_MOVED_TO | FAN_ONDIR)
#define COMINGS_AND_GOINGS (FAN_CREATE | FAN_DELETE | FAN_MOVED_FROM | FAN_MOVED_TO)
/* Events of one burst are read together; the kernel's queue of 16,384 lasts for 400 ms of the fastest guest measured. */
#define BURST_MS 50
#define READ_BYTES 65536
/* Reads under the lock in one go: a guest that floods must not keep the reader of the notes waiting. */
#define READS_AT_ONCE 4096

struct ChangeWatch {
  int fan, stop;
  pthread_t thread;
  pthread_mutex_t lock;
  ChangeSet set;
  char *buffer;
};

static void note(ChangeSet *set, const struct fanotify_event_metadata *event) {
  if (event->mask & FAN_Q_OVERFLOW) {
    set->lost = true;
    return;
  }
  const char *at = (const char *)event + event->metadata_len, *end = (const char *)event + event->event_len;
  const struct file_handle *file = NULL;
  while (at + sizeof(struct fanotify_event_info_header) <= end) {
    const struct fanotify_event_info_fid *info = (const void *)at;
    const struct file_handle *handle = (const void *)info->handle;
    const char *name = (const char *)handle->f_handle + handle->handle_bytes;
    bool is_named = info->hdr.info_type == FAN_EVENT_INFO_TYPE_DFID_NAME;
    if (info->hdr.info_type == FAN_EVENT_INFO_TYPE_FID) file = handle;
    else if (is_named && strcmp(name, ".") != 0) {
      changes_note_name(set, handle, name, event->mask & FAN_ONDIR && event->mask & COMINGS_AND_GOINGS ? DEPTH_ALL : DEPTH_SELF);
      return;
    } else if (is_named || info->hdr.info_type == FAN_EVENT_INFO_TYPE_DFID) {
      changes_note_directory(set, handle);
      return;
    }
    at += info->hdr.len;
  }
  /* A link count that changed, or a file that was opened by a handle. */
  if (file != NULL) changes_note_file(set, file);
}

/* Under the lock. False when there may be more. */
static bool drain(ChangeWatch *watch) {
  for (int reads = 0; reads < READS_AT_ONCE; reads++) {
    ssize_t got = read(watch->fan, watch->buffer, READ_BYTES);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return true;
    const struct fanotify_event_metadata *event = (const void *)watch->buffer;
    for (; FAN_EVENT_OK(event, got); event = FAN_EVENT_NEXT(event, got)) note(&watch->set, event);
  }
  return false;
}

static void *collect(void *argument) {
  ChangeWatch *watch = argument;
  struct pollfd polled[] = {{.fd = watch->stop, .events = POLLIN}, {.fd = watch->fan, .events = POLLIN}};
  for (;;) {
    if (poll(polled, 2, -1) < 0 && errno != EINTR) return NULL;
    if (poll(polled, 1, BURST_MS) > 0) return NULL;
    pthread_mutex_lock(&watch->lock);
    drain(watch);
    pthread_mutex_unlock(&watch->lock);
  }
}

int change_watch_open(int directory, size_t limit, ChangeWatch **opened) {
  ChangeWatch *watch = calloc(1, sizeof *watch);
  if (watch == NULL) return ENOMEM;
  changes_open(&watch->set, limit);
  pthread_mutex_init(&watch->lock, NULL);
  watch->buffer = malloc(READ_BYTES);
  watch->stop = eventfd(0, EFD_CLOEXEC);
  /* The kernel's own bound on the queue is kept (no FAN_UNLIMITED_QUEUE): a flood costs a full walk, not memory. */
  watch->fan = fanotify_init(FAN_CLASS_NOTIF | FAN_REPORT_FID | FAN_REPORT_DFID_NAME | FAN_CLOEXEC | FAN_NONBLOCK, O_RDONLY);
  int error = watch->buffer == NULL ? ENOMEM : watch->stop < 0 || watch->fan < 0 ? errno : 0;
  if (error == 0 && fanotify_mark(watch->fan, FAN_MARK_ADD | FAN_MARK_FILESYSTEM, EVENTS, directory, NULL) != 0) error = errno;
  if (error == 0) error = pthread_create(&watch->thread, NULL, collect, watch);
  if (error == 0) {
    *opened = watch;
    return 0;
  }
  if (watch->fan >= 0) close(watch->fan);
  if (watch->stop >= 0) close(watch->stop);
  free(watch->buffer);
  free(watch);
  return error;
}

void change_watch_close(ChangeWatch *watch) {
  eventfd_write(watch->stop, 1);
  pthread_join(watch->thread, NULL);
  close(watch->fan);
  close(watch->stop);
  changes_close(&watch->set);
  free(watch->buffer);
  free(watch);
}

/* The kernel drops the mark when the file system is unmounted, and says so nowhere else. */
static bool is_marked(const ChangeWatch *watch) {
  char path[64], text[4096];
  snprintf(path, sizeof path, "/proc/self/fdinfo/%d", watch->fan);
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return false;
  ssize_t got = read(fd, text, sizeof text - 1);
  close(fd);
  if (got < 0) return false;
  text[got] = 0;
  return strstr(text, " sdev:") != NULL;
}

typedef struct {
  int fd;
  uint64_t mount;
  bool is_first_of_mount;
  char *path;
  size_t length;
} Root;

typedef struct {
  Root *roots;
  size_t root_count;
  char *entries;
  size_t length, room;
  bool is_full;
} Resolver;

/* The path that an open descriptor has now, as its own mount shows it; NULL when it has none. */
static char *path_of(int fd) {
  char link[64], *path = malloc(PATH_MAX + 1);
  if (path == NULL) return NULL;
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, PATH_MAX);
  if (length < 1 || length == PATH_MAX || path[0] != '/') {
    free(path);
    return NULL;
  }
  path[length == 1 ? 0 : length] = 0; /* the root of all is a prefix of everything */
  return path;
}

static int open_roots(Resolver *resolver, const int32_t *roots, size_t count) {
  resolver->roots = calloc(count + 1, sizeof *resolver->roots);
  if (resolver->roots == NULL) return ENOMEM;
  for (size_t at = 0; at < count; at++) {
    Root *root = &resolver->roots[resolver->root_count++];
    struct statx stat;
    *root = (Root){.fd = roots[at], .path = path_of(roots[at])};
    if (root->path == NULL) return ENOMEM;
    root->length = strlen(root->path);
    if (syscall(SYS_statx, roots[at], "", AT_EMPTY_PATH, STATX_MNT_ID, &stat) == 0) root->mount = stat.stx_mnt_id;
    root->is_first_of_mount = true;
    for (size_t before = 0; before < at; before++) root->is_first_of_mount &= resolver->roots[before].mount != root->mount;
  }
  return 0;
}

static void emit(Resolver *resolver, uint32_t root, uint8_t depth, const char *directory, const uint8_t *name, size_t length) {
  size_t path = strlen(directory), size = sizeof root + 1 + path + (name == NULL ? 0 : length + 1) + 1;
  if (resolver->length + size > resolver->room) {
    size_t room = resolver->room * 2 + size + 4096;
    char *entries = realloc(resolver->entries, room);
    if (entries == NULL) {
      resolver->is_full = true;
      return;
    }
    resolver->entries = entries;
    resolver->room = room;
  }
  char *to = resolver->entries + resolver->length;
  memcpy(to, &root, sizeof root);
  to[sizeof root] = (char)depth;
  to += sizeof root + 1;
  memcpy(to, directory, path);
  if (name != NULL) {
    to[path] = '/';
    memcpy(to + path + 1, name, length);
  }
  resolver->entries[resolver->length + size - 1] = 0;
  resolver->length += size;
}

/* The innermost root that the path is in, or -1. */
static int root_of(const Resolver *resolver, const char *path) {
  int found = -1;
  for (size_t at = 0; at < resolver->root_count; at++) {
    const Root *root = &resolver->roots[at];
    if (strncmp(path, root->path, root->length) != 0 || (path[root->length] != '/' && path[root->length] != 0)) continue;
    if (found < 0 || resolver->roots[found].length < root->length) found = (int)at;
  }
  return found;
}

/* Opens what the record's handle means through the root's mount. Returns a descriptor, or -1: gone, which its directory's own record says. */
static int open_record(const ChangeRecord *record, const Root *root) {
  union {
    struct file_handle handle;
    char room[sizeof(struct file_handle) + MAX_HANDLE_SZ];
  } key;
  key.handle.handle_bytes = (unsigned)(record->length - sizeof key.handle.handle_type);
  memcpy(&key.handle.handle_type, record->key, sizeof key.handle.handle_type);
  memcpy(key.handle.f_handle, record->key + sizeof key.handle.handle_type, key.handle.handle_bytes);
  int fd = open_by_handle_at(root->fd, &key.handle, O_PATH | O_CLOEXEC);
  struct stat stat;
  if (fd >= 0 && (fstat(fd, &stat) != 0 || stat.st_nlink == 0)) {
    close(fd);
    return -1;
  }
  return fd;
}

/* The path that a directory has now, and the root it is in; NULL when it is gone or in none. */
static char *locate(const Resolver *resolver, const ChangeRecord *record, int *found) {
  for (size_t at = 0; at < resolver->root_count; at++) {
    const Root *root = &resolver->roots[at];
    if (!root->is_first_of_mount) continue;
    int fd = open_record(record, root);
    if (fd < 0) continue;
    char *path = path_of(fd);
    close(fd);
    *found = path == NULL ? -1 : root_of(resolver, path);
    if (*found >= 0) return path;
    free(path);
  }
  return NULL;
}

static void emit_inode(Resolver *resolver, const ChangeRecord *record) {
  struct stat stat;
  char number[24];
  int fd = open_record(record, &resolver->roots[0]);
  if (fd < 0) return;
  if (fstat(fd, &stat) == 0) {
    snprintf(number, sizeof number, "%llu", (unsigned long long)stat.st_ino);
    emit(resolver, 0, DEPTH_NONE, number, NULL, 0);
  }
  close(fd);
}

static int resolve(Resolver *resolver, const ChangeSet *set) {
  /* Names stand behind their directory, though not right behind it. */
  typedef struct {
    char *path;
    int root;
  } Place;
  Place *places = calloc(set->used / 8 + 1, sizeof *places);
  if (places == NULL) return ENOMEM;
  for (size_t at = CHANGE_FIRST; at < set->used; at = change_next(set, at)) {
    const ChangeRecord *record = change_at(set, at);
    if (record->is_file) {
      emit_inode(resolver, record);
      continue;
    }
    Place *place = &places[(record->directory != 0 ? record->directory : at) / 8];
    if (record->directory == 0) place->path = locate(resolver, record, &place->root);
    if (place->path == NULL || record->depth == DEPTH_NONE) continue;
    const char *below = place->path + resolver->roots[place->root].length;
    if (record->directory != 0) emit(resolver, (uint32_t)place->root, record->depth, below, record->key, record->length);
    else emit(resolver, (uint32_t)place->root, record->depth, below, NULL, 0);
  }
  for (size_t at = 0; at <= set->used / 8; at++) free(places[at].path);
  free(places);
  return resolver->is_full ? ENOMEM : 0;
}

int change_watch_take(ChangeWatch *watch, const int32_t *roots, size_t root_count, Changes *changes) {
  *changes = (Changes){.state = CHANGES_COMPLETE};
  ChangeSet set;
  pthread_mutex_lock(&watch->lock);
  bool complete = drain(watch);
  set = watch->set;
  changes_open(&watch->set, set.limit);
  pthread_mutex_unlock(&watch->lock);
  if (!complete || set.lost) changes->state = CHANGES_LOST;
  if (!is_marked(watch)) changes->state = CHANGES_UNMOUNTED;
  int error = 0;
  if (changes->state == CHANGES_COMPLETE && set.count > 0) {
    Resolver resolver = {0};
    error = open_roots(&resolver, roots, root_count);
    if (error == 0) error = resolve(&resolver, &set);
    changes->entries = resolver.entries;
    changes->length = resolver.length;
    for (size_t at = 0; at < resolver.root_count; at++) free(resolver.roots[at].path);
    free(resolver.roots);
  }
  changes_close(&set);
  return error;
}
