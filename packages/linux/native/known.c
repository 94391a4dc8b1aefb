#include "known.h"
#include "facts.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "change-set.h"
#include "names.h"

enum { KEPT, READ_AGAIN, GONE };

/* A name that changed, and the directory it is in. */
typedef struct {
  uint32_t dir;
  const char *name;
} Changed;

/* What the changes say; a NULL name stands for every name in the directory. */
typedef struct {
  Changed *names;
  uint64_t *inodes;
  size_t name_count, inode_count, inode_room;
} Said;

static uint32_t hash_of(uint32_t parent, const char *name, size_t length) {
  uint32_t hash = 2166136261u ^ parent; /* FNV-1a */
  for (size_t at = 0; at < length; at++) hash = (hash ^ (uint8_t)name[at]) * 16777619u;
  return hash;
}

static uint32_t find(const Known *known, uint32_t parent, const char *name, size_t length) {
  const Dir *dirs = tree_dirs(known->old);
  for (uint32_t slot = hash_of(parent, name, length) & (known->slot_count - 1); known->slots[slot] != 0; slot = (slot + 1) & (known->slot_count - 1)) {
    uint32_t dir = known->slots[slot] - 1;
    const char *own = tree_name(known->old, dirs[dir].name);
    if (dirs[dir].parent == parent && strncmp(own, name, length) == 0 && own[length] == 0) return dir;
  }
  return UINT32_MAX;
}

static bool is_root(const Dir *dirs, uint32_t dir) { return dirs[dir].parent == dir; }

static int index_dirs(Known *known) {
  const Dir *dirs = tree_dirs(known->old);
  uint32_t count = tree_dir_count(known->old);
  for (known->slot_count = 1024; known->slot_count < count * 2; known->slot_count *= 2);
  known->slots = calloc(known->slot_count, sizeof *known->slots);
  if (known->slots == NULL) return ENOMEM;
  for (uint32_t dir = 0; dir < count; dir++) {
    if (is_root(dirs, dir)) continue;
    const char *name = tree_name(known->old, dirs[dir].name);
    uint32_t slot = hash_of(dirs[dir].parent, name, strlen(name)) & (known->slot_count - 1);
    while (known->slots[slot] != 0) slot = (slot + 1) & (known->slot_count - 1);
    known->slots[slot] = dir + 1;
  }
  return 0;
}

/* The directory that `length` bytes of a path lead to, or UINT32_MAX where the earlier scan did not go. */
static uint32_t locate(const Known *known, uint32_t root, const char *path, size_t length) {
  uint32_t dir = root;
  for (size_t at = 0; at < length && dir != UINT32_MAX;) {
    size_t from = at + 1; /* each component stands behind a slash */
    const char *end = memchr(path + from, '/', length - from);
    at = end == NULL ? length : (size_t)(end - path);
    dir = find(known, dir, path + from, at - from);
  }
  return dir;
}

static int say_inode(Said *said, uint64_t ino) {
  if (said->inode_count == said->inode_room) {
    size_t room = said->inode_room * 2 + 256;
    uint64_t *inodes = realloc(said->inodes, room * sizeof *inodes);
    if (inodes == NULL) return ENOMEM;
    said->inodes = inodes;
    said->inode_room = room;
  }
  said->inodes[said->inode_count++] = ino;
  return 0;
}

static int take_change(Known *known, Said *said, uint32_t root, char depth, const char *path) {
  if (depth == DEPTH_NONE) return say_inode(said, strtoull(path, NULL, 10));
  const char *last = strrchr(path, '/');
  uint32_t itself = depth == DEPTH_SELF ? UINT32_MAX : locate(known, root, path, strlen(path));
  if (depth == DEPTH_CHILDREN) {
    if (itself == UINT32_MAX) return 0;
    known->states[itself] = known->states[itself] == GONE ? GONE : READ_AGAIN;
    said->names[said->name_count++] = (Changed){.dir = itself};
    return 0;
  }
  if (itself != UINT32_MAX) known->states[itself] = GONE;
  uint32_t parent = last == NULL ? UINT32_MAX : locate(known, root, path, (size_t)(last - path));
  if (parent == UINT32_MAX) return 0; /* an excluded place, or one that is new itself */
  if (known->states[parent] == KEPT) known->states[parent] = READ_AGAIN;
  if (depth == DEPTH_SELF) said->names[said->name_count++] = (Changed){.dir = parent, .name = last + 1};
  return 0;
}

static int take_changes(Known *known, Said *said) {
  const Dir *dirs = tree_dirs(known->old);
  size_t count = 0;
  for (size_t at = 0; at < known->changes_length; at++) count += known->changes[at] == 0;
  uint32_t *roots = malloc((known->old->guest_count + 1) * sizeof *roots);
  said->names = malloc((count + 1) * sizeof *said->names);
  int error = roots == NULL || said->names == NULL ? ENOMEM : 0;
  for (uint32_t dir = 0; error == 0 && dir < tree_dir_count(known->old); dir++)
    if (is_root(dirs, dir)) roots[dirs[dir].guest] = dir;
  for (size_t at = 0; error == 0 && at < known->changes_length;) {
    uint32_t root;
    memcpy(&root, known->changes + at, sizeof root);
    const char *path = known->changes + at + sizeof root + 1;
    if (root < known->old->guest_count) error = take_change(known, said, roots[root], path[-1], path);
    at += sizeof root + 1 + strlen(path) + 1;
  }
  free(roots);
  return error;
}

static int by_name(const void *left, const void *right) {
  const Changed *a = left, *b = right;
  if (a->dir != b->dir) return a->dir < b->dir ? -1 : 1;
  if (a->name == NULL || b->name == NULL) return (a->name != NULL) - (b->name != NULL);
  return strcmp(a->name, b->name);
}

static int by_number(const void *left, const void *right) {
  uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
  return a < b ? -1 : a > b;
}

/* The other names of a file that changed: only one of them is in the changes, and what is known of all is old. */
static int read_siblings(Known *known, Said *said) {
  const Row *rows = tree_rows(known->old);
  uint32_t count = tree_row_count(known->old);
  int error = 0;
  qsort(said->names, said->name_count, sizeof *said->names, by_name);
  for (uint32_t at = 0; at < count && error == 0; at++) {
    if (rows[at].facts == 0 || tree_facts(known->old, &rows[at])->nlink < 2 || known->states[rows[at].dir] != READ_AGAIN) continue;
    Changed all = {.dir = rows[at].dir}, one = {.dir = rows[at].dir, .name = tree_name(known->old, rows[at].name)};
    if (bsearch(&one, said->names, said->name_count, sizeof one, by_name) || bsearch(&all, said->names, said->name_count, sizeof all, by_name))
      error = say_inode(said, rows[at].ino);
  }
  if (error || said->inode_count == 0) return error;
  qsort(said->inodes, said->inode_count, sizeof *said->inodes, by_number);
  for (uint32_t at = 0; at < count; at++) {
    if (rows[at].facts == 0 || known->states[rows[at].dir] != KEPT) continue;
    if (bsearch(&rows[at].ino, said->inodes, said->inode_count, sizeof *said->inodes, by_number)) known->states[rows[at].dir] = READ_AGAIN;
  }
  return 0;
}

static uint32_t copy_name(const Known *known, Tree *tree, Names *names, uint32_t from) {
  if (from == NO_NAME) return NO_NAME;
  const char *name = tree_name(known->old, from);
  return names_add(names, tree, name, strlen(name));
}

static int carry_dirs(Known *known, Tree *tree, Names *names) {
  const Dir *dirs = tree_dirs(known->old);
  for (uint32_t dir = 0; dir < tree_dir_count(known->old); dir++) {
    if (known->states[dir] == GONE) continue;
    size_t taken = region_take(&tree->dirs, sizeof(Dir));
    if (taken == SIZE_MAX) return ENOMEM;
    uint32_t number = (uint32_t)(taken / sizeof(Dir));
    Dir *made = (Dir *)(tree->dirs.base + taken);
    known->renumbered[dir] = number;
    known->origin[number] = dir;
    *made = known->states[dir] == KEPT ? dirs[dir] : (Dir){.guest = dirs[dir].guest};
    made->parent = known->renumbered[dirs[dir].parent]; /* carried over before: a directory stands behind its parent */
    made->name = copy_name(known, tree, names, dirs[dir].name);
    if (made->name == NO_NAME && dirs[dir].name != NO_NAME) return ENOMEM;
    Guest *guest = &tree->guests[made->guest];
    for (int count = 0; count < COUNTS; count++) atomic_fetch_add(&guest->counts[count], count == COUNT_LOGICAL ? (int64_t)made->logical : made->counts[count]);
    known->carried = number + 1;
  }
  return 0;
}

static int carry_rows(const Known *known, Tree *tree, Names *names, FactsTable *facts) {
  const Row *rows = tree_rows(known->old);
  uint32_t count = 0;
  for (uint32_t row = 0; row < tree_row_count(known->old); row++) count += rows[row].facts != 0 && known->states[rows[row].dir] == KEPT;
  size_t taken = region_take(&tree->rows, count * sizeof(Row));
  if (taken == SIZE_MAX) return ENOMEM;
  Row *to = (Row *)(tree->rows.base + taken);
  for (uint32_t row = 0; row < tree_row_count(known->old); row++) {
    if (rows[row].facts == 0 || known->states[rows[row].dir] != KEPT) continue;
    *to = rows[row];
    to->dir = known->renumbered[rows[row].dir];
    to->name = copy_name(known, tree, names, rows[row].name);
    to->facts = facts_add(facts, tree, tree_facts(known->old, &rows[row]));
    if (to->name == NO_NAME || to->facts == 0) return ENOMEM;
    to->state = 0;
    to++;
  }
  return 0;
}

int known_carry(Known *known, Tree *tree) {
  uint32_t count = tree_dir_count(known->old);
  const Dir *dirs = tree_dirs(known->old);
  Said said = {0};
  known->states = calloc(count + 1, 1);
  known->renumbered = malloc((count + 1) * sizeof *known->renumbered);
  known->origin = malloc((count + 1) * sizeof *known->origin);
  int error = known->states == NULL || known->renumbered == NULL || known->origin == NULL ? ENOMEM : index_dirs(known);
  if (error == 0) error = take_changes(known, &said);
  for (uint32_t dir = 0; error == 0 && dir < count; dir++) {
    /* Of a root, everything below it: it stays, and all in it is new. */
    if (known->states[dirs[dir].parent] == GONE && !is_root(dirs, dir)) known->states[dir] = GONE;
  }
  for (uint32_t dir = 0; error == 0 && dir < count; dir++)
    if (is_root(dirs, dir) && known->states[dir] == GONE) known->states[dir] = READ_AGAIN;
  if (error == 0) error = read_siblings(known, &said);
  Names names = {0};
  FactsTable facts = {0};
  if (error == 0) error = carry_dirs(known, tree, &names);
  if (error == 0) error = carry_rows(known, tree, &names, &facts);
  names_close(&names);
  facts_close(&facts);
  free(said.names);
  free(said.inodes);
  return error;
}

bool known_reads(const Known *known, uint32_t dir) { return known->states[known->origin[dir]] == READ_AGAIN; }

bool known_has(const Known *known, uint32_t dir, const char *name) {
  if (dir >= known->carried) return false;
  uint32_t child = find(known, known->origin[dir], name, strlen(name));
  return child != UINT32_MAX && known->states[child] != GONE;
}

void known_close(Known *known) {
  free(known->slots);
  free(known->states);
  free(known->renumbered);
  free(known->origin);
}
