#include "tree.h"
#include "classes.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Reservations of address space, not memory. Names are found by 32-bit offsets, so 4 GiB of them is the bound. */
#define ROWS_LIMIT ((size_t)16 << 30)
#define FACTS_LIMIT ((size_t)16 << 30)
#define DIRS_LIMIT ((size_t)4 << 30)
#define NAMES_LIMIT ((size_t)4 << 30)
#define FAILURES_LIMIT ((size_t)64 << 20)
/* Below PATH_MAX with room to spare; longer paths are opened in pieces. */
#define PIECE 4000

int tree_open(Tree *tree, uint32_t guests) {
  memset(tree, 0, sizeof *tree);
  tree->guests = calloc(guests, sizeof *tree->guests);
  if (tree->guests == NULL) return ENOMEM;
  tree->guest_count = guests;
  for (uint32_t at = 0; at < guests; at++) tree->guests[at].root = -1;
  int error = region_open(&tree->rows, ROWS_LIMIT);
  if (error == 0) error = region_open(&tree->facts, FACTS_LIMIT);
  if (error == 0 && region_take(&tree->facts, sizeof(Facts)) != 0) error = ENOMEM; /* those of rows that are not used */
  if (error == 0) error = region_open(&tree->dirs, DIRS_LIMIT);
  if (error == 0) error = region_open(&tree->names, NAMES_LIMIT);
  if (error == 0) error = region_open(&tree->failures, FAILURES_LIMIT);
  return error;
}


void tree_close(Tree *tree) {
  for (uint32_t at = 0; at < tree->guest_count; at++)
    if (tree->guests[at].root >= 0) close(tree->guests[at].root);
  free(tree->guests);
  tree->guests = NULL;
  tree->guest_count = 0;
  if (tree->candidates != NULL) candidates_free(tree->candidates);
  tree->candidates = NULL;
  region_close(&tree->rows);
  region_close(&tree->facts);
  region_close(&tree->dirs);
  region_close(&tree->names);
  region_close(&tree->failures);
}

void tree_fail(Tree *tree, uint32_t dir, uint32_t name, int error) {
  size_t at = region_take(&tree->failures, sizeof(Failure));
  if (at == SIZE_MAX) return;
  *(Failure *)(tree->failures.base + at) = (Failure){.dir = dir, .name = name, .error = error};
}

int path_reserve(Path *path, size_t room) {
  if (path->room >= room) return 0;
  room = room < 8192 ? 8192 : room * 2;
  char *text = realloc(path->text, room);
  if (text == NULL) return ENOMEM;
  path->text = text;
  path->room = room;
  return 0;
}

int tree_path(const Tree *tree, uint32_t dir, Path *path) {
  const Dir *dirs = tree_dirs(tree);
  size_t length = 0;
  for (uint32_t at = dir; dirs[at].parent != at; at = dirs[at].parent) length += 1 + strlen(tree_name(tree, dirs[at].name));
  if (path_reserve(path, length + 1)) return ENOMEM;
  path->length = length;
  path->text[length] = 0;
  for (uint32_t at = dir; dirs[at].parent != at; at = dirs[at].parent) {
    size_t part = strlen(tree_name(tree, dirs[at].name));
    length -= part;
    memcpy(path->text + length, tree_name(tree, dirs[at].name), part);
    path->text[--length] = '/';
  }
  return 0;
}

static int open_with(int root, const char *path, uint64_t flags) {
  struct open_how how = {
      .flags = flags | O_CLOEXEC,
      .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV | RESOLVE_NO_MAGICLINKS,
  };
  int fd;
  /* EAGAIN: a rename raced with the walk of a path that must stay beneath its root. */
  for (int tries = 0; (fd = (int)syscall(SYS_openat2, root, path, &how, sizeof how)) < 0 && (errno == EAGAIN || errno == EINTR) && tries < 64; tries++);
  return fd < 0 ? -errno : fd;
}

int open_beneath(int root, const char *path, uint64_t flags) {
  int from = root;
  size_t left = strlen(path);
  while (left > PIECE) {
    size_t cut = PIECE;
    while (cut > 0 && path[cut] != '/') cut--;
    char piece[PIECE + 1];
    memcpy(piece, path, cut);
    piece[cut] = 0;
    int next = open_with(from, piece, O_PATH | O_DIRECTORY);
    if (from != root) close(from);
    if (next < 0) return next;
    from = next;
    path += cut + 1;
    left -= cut + 1;
  }
  int fd = open_with(from, *path == 0 ? "." : path, flags);
  if (from != root) close(from);
  return fd;
}

int open_file_at(int dir, const char *name) {
  /* O_NONBLOCK and O_NOCTTY: should the name be a FIFO or a terminal by now, opening it has no effect; fstat tells. */
  uint64_t flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY;
  int fd = open_with(dir, name, flags | O_NOATIME);
  return fd == -EPERM ? open_with(dir, name, flags) : fd;
}

int tree_open_dir(const Tree *tree, uint32_t dir, uint64_t flags, Path *scratch) {
  if (tree_path(tree, dir, scratch)) return -ENOMEM;
  return open_beneath(tree->guests[tree_dirs(tree)[dir].guest].root, scratch->text + (scratch->length > 0), flags | O_DIRECTORY);
}

void dir_cache_open(DirCache *cache) {
  memset(cache, 0, sizeof *cache);
  for (int at = 0; at < DIR_CACHE; at++) cache->fd[at] = -1;
}

int dir_cache_get(DirCache *cache, const Tree *tree, uint32_t dir) {
  uint32_t slot = dir * 2654435761u >> 24;
  if (cache->fd[slot] >= 0 && cache->dir[slot] == dir) return cache->fd[slot];
  int fd = tree_open_dir(tree, dir, O_PATH, &cache->scratch);
  if (fd < 0) return fd;
  if (cache->fd[slot] >= 0) close(cache->fd[slot]);
  cache->dir[slot] = dir;
  cache->fd[slot] = fd;
  return fd;
}

void dir_cache_close(DirCache *cache) {
  for (int at = 0; at < DIR_CACHE; at++)
    if (cache->fd[at] >= 0) close(cache->fd[at]);
  free(cache->scratch.text);
}
