#include "walk.h"
#include "facts.h"
#include "names.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/stat.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

/* A run of rows that one thread fills: large enough that threads hardly ever meet. */
#define ROW_RUN 512
#define DIRENTS 65536

/* The rules that can still match below a directory, shared by all directories they are equal for. */
typedef struct Rules {
  struct Rules *next;
  uint32_t count;
  uint32_t index[];
} Rules;

typedef struct {
  uint32_t dir;
  Rules *rules;
} Todo;

/* Directories that nobody reads yet; the last one first, which keeps a walk narrow. */
typedef struct {
  Todo *todo;
  size_t count, room;
} Stack;

typedef struct {
  Walk *walk;
  pthread_mutex_t lock;
  pthread_cond_t more;
  Stack stack; /* for whoever has none of his own */
  uint32_t working;
  _Atomic uint32_t hungry; /* threads that wait for work */
  Rules *all_rules;
  _Atomic int error;
} Shared;

typedef struct {
  Shared *shared;
  size_t row, row_end; /* bytes */
  Names names;
  FactsTable facts;
  Path path;
  char *dirents;
  Stack stack; /* its own: threads meet only when one of them has run out */
  bool working;
} Worker;

struct linux_dirent64 {
  uint64_t d_ino;
  int64_t d_off;
  unsigned short d_reclen;
  unsigned char d_type;
  char d_name[];
};

static void give_up(Shared *shared, int error) {
  int none = 0;
  atomic_compare_exchange_strong(&shared->error, &none, error);
}

static Row *take_row(Worker *worker) {
  Tree *tree = worker->shared->walk->tree;
  if (worker->row == worker->row_end) {
    size_t at = region_take(&tree->rows, ROW_RUN * sizeof(Row));
    if (at == SIZE_MAX) return NULL;
    worker->row = at;
    worker->row_end = at + ROW_RUN * sizeof(Row);
  }
  Row *row = (Row *)(tree->rows.base + worker->row);
  worker->row += sizeof(Row);
  return row;
}

static void push(Shared *shared, Stack *stack, Todo todo) {
  if (stack->count == stack->room) {
    size_t room = stack->room == 0 ? 256 : stack->room * 2;
    Todo *more = realloc(stack->todo, room * sizeof *more);
    if (more == NULL) return give_up(shared, ENOMEM);
    stack->todo = more;
    stack->room = room;
  }
  stack->todo[stack->count++] = todo;
}

/* The next directory of one's own; without any, one that others have handed out. */
static bool pop(Worker *worker, Todo *todo) {
  Shared *shared = worker->shared;
  if (worker->stack.count > 0 && atomic_load(&shared->error) == 0) {
    *todo = worker->stack.todo[--worker->stack.count];
    return true;
  }
  pthread_mutex_lock(&shared->lock);
  if (worker->working && --shared->working == 0) pthread_cond_broadcast(&shared->more);
  atomic_fetch_add(&shared->hungry, 1);
  while (shared->stack.count == 0 && shared->working > 0 && atomic_load(&shared->error) == 0) pthread_cond_wait(&shared->more, &shared->lock);
  atomic_fetch_sub(&shared->hungry, 1);
  bool got = shared->stack.count > 0 && atomic_load(&shared->error) == 0;
  if (got) {
    *todo = shared->stack.todo[--shared->stack.count];
    shared->working++;
  }
  worker->working = got;
  pthread_mutex_unlock(&shared->lock);
  return got;
}

/* Hands the older half of one's own directories out, which have most below them. */
static void hand_out(Worker *worker) {
  Shared *shared = worker->shared;
  Stack *own = &worker->stack;
  size_t given = own->count / 2;
  pthread_mutex_lock(&shared->lock);
  for (size_t at = 0; at < given; at++) push(shared, &shared->stack, own->todo[at]);
  pthread_cond_broadcast(&shared->more);
  pthread_mutex_unlock(&shared->lock);
  own->count -= given;
  memmove(own->todo, own->todo + given, own->count * sizeof *own->todo);
}

static Rules *narrow(Shared *shared, Rules *from, const char *directory, size_t length) {
  const Pattern *patterns = shared->walk->patterns;
  uint32_t kept[from->count + 1], count = 0;
  for (uint32_t at = 0; at < from->count; at++)
    if (pattern_reaches(&patterns[from->index[at]], directory, length)) kept[count++] = from->index[at];
  if (count == from->count) return from;
  Rules *rules = malloc(sizeof *rules + count * sizeof rules->index[0]);
  if (rules == NULL) return from; /* more rules than needed match the same */
  rules->count = count;
  memcpy(rules->index, kept, count * sizeof kept[0]);
  pthread_mutex_lock(&shared->lock);
  rules->next = shared->all_rules;
  shared->all_rules = rules;
  pthread_mutex_unlock(&shared->lock);
  return rules;
}

static bool excluded(const Walk *walk, const Rules *rules, const char *path, size_t length) {
  for (uint32_t at = 0; at < rules->count; at++) {
    const Pattern *pattern = &walk->patterns[rules->index[at]];
    if (pattern_matches(pattern, path, length)) return pattern->verdict != VERDICT_INCLUDE;
  }
  return false;
}

/* The domain is the first eight digits of the identity in `<digest>-<identity>-<generation>`. */
static uint16_t pool_space(const Walk *walk, uint32_t guest, const char *name, size_t length) {
  char digits[9] = {0}, *end;
  if (length < 64 + 1 + 16 || name[64] != '-') return NO_SPACE;
  memcpy(digits, name + 65, 8);
  uint32_t tag = (uint32_t)strtoul(digits, &end, 16);
  if (*end != 0) return NO_SPACE;
  for (uint32_t at = 0; at < walk->tag_count; at++)
    if (walk->tags[at].tag == tag && walk->tags[at].guest == guest) return walk->tags[at].space;
  return NO_SPACE;
}

static inline int64_t nanoseconds(struct statx_timestamp time) { return time.tv_sec * 1000000000LL + time.tv_nsec; }

/* Counts are collected a directory at a time: threads would otherwise fight over a guest's counters. */
static void visit(Worker *worker, uint32_t dir, const Rules *rules, int fd, Guest *guest, int64_t *counts, const struct linux_dirent64 *entry,
                  bool exact_here, const Exact *exact) {
  Shared *shared = worker->shared;
  Walk *walk = shared->walk;
  const char *name = entry->d_name;
  size_t length = strlen(name), base = worker->path.length;
  unsigned char type = entry->d_type;
  struct statx stat;
  bool known = false;
  if (type == DT_UNKNOWN) {
    if (syscall(SYS_statx, fd, name, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT, STATX_BASIC_STATS, &stat) != 0) return;
    known = true;
    type = (unsigned char)((stat.stx_mode & S_IFMT) >> 12);
  }
  if (type != DT_DIR) counts[COUNT_NAMES]++;
  if (path_reserve(&worker->path, base + length + 2)) return give_up(shared, ENOMEM);
  char *path = worker->path.text;
  path[base] = '/';
  memcpy(path + base + 1, name, length + 1);
  if (rules->count > 0 && excluded(walk, rules, path, base + 1 + length)) {
    if (type != DT_DIR) counts[COUNT_EXCLUDED]++;
    return;
  }
  int list = exact_here ? exact_find(exact, path, base + 1 + length) : -1;
  if (list >= 0) {
    if (type != DT_DIR) counts[COUNT_EXACT_FIRST + list]++;
    return;
  }
  if (type == DT_DIR) {
    if (walk->known != NULL && known_has(walk->known, dir, name)) return;
    uint32_t at = names_add(&worker->names, walk->tree, name, length);
    size_t child = region_take(&walk->tree->dirs, sizeof(Dir));
    if (at == NO_NAME || child == SIZE_MAX) return give_up(shared, ENOMEM);
    Dir *made = (Dir *)(walk->tree->dirs.base + child);
    *made = (Dir){.parent = dir, .name = at, .guest = (uint32_t)(guest - walk->tree->guests)};
    push(shared, &worker->stack, (Todo){(uint32_t)(child / sizeof(Dir)), rules->count == 0 ? (Rules *)rules : narrow(shared, (Rules *)rules, path, base + 1 + length)});
    return;
  }
  if (type == DT_LNK) {
    counts[COUNT_SYMLINK]++;
    return;
  }
  if (type != DT_REG) {
    counts[COUNT_NOT_REGULAR]++;
    return;
  }
  if (!known && syscall(SYS_statx, fd, name, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT, STATX_BASIC_STATS, &stat) != 0) {
    if (errno != ENOENT) {
      uint32_t at = names_add(&worker->names, walk->tree, name, length);
      tree_fail(walk->tree, dir, at, errno);
    }
    return;
  }
  if (!S_ISREG(stat.stx_mode)) return; /* replaced between the two calls: not the file we were told of */
  counts[COUNT_LOGICAL] += (int64_t)stat.stx_size;
  if ((stat.stx_attributes & STATX_ATTR_MOUNT_ROOT) || makedev(stat.stx_dev_major, stat.stx_dev_minor) != guest->dev) {
    counts[COUNT_OTHER_DEVICE]++;
    return;
  }
  if (stat.stx_size == 0) {
    counts[COUNT_EMPTY]++;
    return;
  }
  if (stat.stx_size < walk->min_size) {
    counts[COUNT_TOO_SMALL]++;
    return;
  }
  uint32_t at = names_add(&worker->names, walk->tree, name, length);
  Facts facts = {
      .size = stat.stx_size,
      .mtime = nanoseconds(stat.stx_mtime),
      .uid = stat.stx_uid,
      .gid = stat.stx_gid,
      .nlink = stat.stx_nlink,
      .blocks = stat.stx_blocks > UINT32_MAX ? UINT32_MAX : (uint32_t)stat.stx_blocks,
      .mode = (stat.stx_mode & ROW_PERMISSIONS) | (stat.stx_attributes & STATX_ATTR_IMMUTABLE ? ROW_IMMUTABLE : 0) |
              (stat.stx_attributes & STATX_ATTR_APPEND ? ROW_APPEND : 0) | (guest->pool ? ROW_POOL : 0),
      .space = guest->pool ? pool_space(walk, (uint32_t)(guest - walk->tree->guests), name, length) : guest->space,
  };
  uint32_t number = at == NO_NAME ? 0 : facts_add(&worker->facts, walk->tree, &facts);
  Row *row = number == 0 ? NULL : take_row(worker);
  if (row == NULL) return give_up(shared, ENOMEM);
  counts[COUNT_ROWS]++;
  *row = (Row){.ino = stat.stx_ino, .ctime = nanoseconds(stat.stx_ctime), .dir = dir, .name = at, .facts = number};
}

static void add_counts(Tree *tree, uint32_t dir, const int64_t *counts) {
  Dir *own = &tree_dirs(tree)[dir];
  Guest *guest = &tree->guests[own->guest];
  own->logical = (uint64_t)counts[COUNT_LOGICAL];
  for (int at = 0; at < COUNTS; at++) {
    if (counts[at] == 0) continue;
    if (at != COUNT_LOGICAL) own->counts[at] = (uint32_t)counts[at];
    atomic_fetch_add_explicit(&guest->counts[at], counts[at], memory_order_relaxed);
  }
}

static void read_directory(Worker *worker, Todo todo) {
  Shared *shared = worker->shared;
  Walk *walk = shared->walk;
  Tree *tree = walk->tree;
  uint32_t owner = tree_dirs(tree)[todo.dir].guest;
  Guest *guest = &tree->guests[owner];
  if (tree_path(tree, todo.dir, &worker->path)) return give_up(shared, ENOMEM);
  const char *relative = worker->path.text + (worker->path.length > 0);
  int fd = open_beneath(guest->root, relative, O_RDONLY | O_DIRECTORY | O_NOATIME);
  if (fd == -EPERM) fd = open_beneath(guest->root, relative, O_RDONLY | O_DIRECTORY);
  if (fd == -EXDEV) return add_counts(tree, todo.dir, (const int64_t[COUNTS]){[COUNT_OTHER_DEVICE] = 1});
  if (fd < 0) {
    /* Gone, or no directory any more: the guest is alive. */
    if (fd != -ENOENT && fd != -ENOTDIR && fd != -ELOOP) tree_fail(tree, todo.dir, NO_NAME, -fd);
    return;
  }
  struct stat stat;
  if (fstat(fd, &stat) != 0 || stat.st_dev != guest->dev) {
    close(fd);
    return add_counts(tree, todo.dir, (const int64_t[COUNTS]){[COUNT_OTHER_DEVICE] = 1}); /* a btrfs subvolume inside the guest */
  }
  int64_t counts[COUNTS] = {0};
  counts[COUNT_DIRECTORIES] = 1;
  const Exact *exact = &walk->exact[owner];
  bool exact_here = exact_has_under(exact, worker->path.text, worker->path.length);
  long got;
  while ((got = syscall(SYS_getdents64, fd, worker->dirents, DIRENTS)) > 0) {
    for (long at = 0; at < got;) {
      const struct linux_dirent64 *entry = (const void *)(worker->dirents + at);
      at += entry->d_reclen;
      const char *name = entry->d_name;
      if (name[0] == '.' && (name[1] == 0 || (name[1] == '.' && name[2] == 0))) continue;
      visit(worker, todo.dir, todo.rules, fd, guest, counts, entry, exact_here, exact);
      control_breathe(walk->control);
    }
    if (control_wait(walk->control)) break;
  }
  if (got < 0 && errno != ENOENT) tree_fail(tree, todo.dir, NO_NAME, errno);
  close(fd);
  add_counts(tree, todo.dir, counts);
  atomic_fetch_add_explicit(&walk->control->files, counts[COUNT_NAMES], memory_order_relaxed);
}

static void *work(void *argument) {
  Worker *worker = argument;
  Shared *shared = worker->shared;
  Todo todo;
  while (pop(worker, &todo)) {
    if (control_wait(shared->walk->control)) give_up(shared, ECANCELED);
    else read_directory(worker, todo);
    if (worker->stack.count > 1 && atomic_load_explicit(&shared->hungry, memory_order_relaxed) > 0) hand_out(worker);
  }
  pthread_mutex_lock(&shared->lock);
  pthread_cond_broadcast(&shared->more);
  pthread_mutex_unlock(&shared->lock);
  return NULL;
}

int walk_run(Walk *walk) {
  Shared shared = {.walk = walk, .lock = PTHREAD_MUTEX_INITIALIZER, .more = PTHREAD_COND_INITIALIZER};
  Tree *tree = walk->tree;
  Rules *every = malloc(sizeof *every + walk->pattern_count * sizeof every->index[0]), *none = calloc(1, sizeof *none);
  uint32_t threads = walk->threads < 1 ? 1 : walk->threads;
  Worker *workers = calloc(threads, sizeof *workers);
  pthread_t *ids = calloc(threads, sizeof *ids);
  if (every == NULL || none == NULL || workers == NULL || ids == NULL) give_up(&shared, ENOMEM);
  else {
    every->count = walk->pattern_count;
    for (uint32_t at = 0; at < walk->pattern_count; at++) every->index[at] = at;
    int carried = walk->known == NULL ? 0 : known_carry(walk->known, tree);
    if (carried != 0) give_up(&shared, carried);
    for (uint32_t dir = 0; walk->known != NULL && dir < walk->known->carried; dir++)
      if (carried == 0 && known_reads(walk->known, dir)) push(&shared, &shared.stack, (Todo){dir, tree->guests[tree_dirs(tree)[dir].guest].pool ? none : every});
    for (uint32_t at = walk->known == NULL ? tree->guest_count : 0; at-- > 0;) {
      size_t dir = region_take(&tree->dirs, sizeof(Dir));
      uint32_t index = (uint32_t)(dir / sizeof(Dir));
      tree_dirs(tree)[index] = (Dir){.parent = index, .name = NO_NAME, .guest = at};
      push(&shared, &shared.stack, (Todo){index, tree->guests[at].pool ? none : every});
    }
    uint32_t started = 0;
    for (; started < threads; started++) {
      workers[started].shared = &shared;
      workers[started].dirents = malloc(DIRENTS);
      if (workers[started].dirents == NULL || pthread_create(&ids[started], NULL, work, &workers[started]) != 0) break;
    }
    if (started == 0) give_up(&shared, EAGAIN);
    for (uint32_t at = 0; at < started; at++) pthread_join(ids[at], NULL);
    for (uint32_t at = 0; at < threads; at++) {
      free(workers[at].dirents);
      free(workers[at].path.text);
      free(workers[at].stack.todo);
      names_close(&workers[at].names);
      facts_close(&workers[at].facts);
    }
  }
  while (shared.all_rules != NULL) {
    Rules *next = shared.all_rules->next;
    free(shared.all_rules);
    shared.all_rules = next;
  }
  free(every);
  free(none);
  free(workers);
  free(ids);
  free(shared.stack.todo);
  if (cancelled(walk->control)) return ECANCELED;
  return atomic_load(&shared.error);
}
