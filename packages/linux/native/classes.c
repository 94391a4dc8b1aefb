#include "classes.h"
#include "reason.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

/* A name that takes part. Of its key, bits after those of its bucket: enough to order nearly all without looking at rows. */
typedef struct {
  uint32_t key;
  uint32_t row;
} Pair;

typedef struct {
  const Tree *tree;
  const uint8_t *identity; /* by space */
  bool ignore_mtime;
} Rule;

static inline bool by_identity(const Rule *rule, const Facts *facts) { return rule->identity[facts->space] != 0; }

static inline uint64_t key_of(const Rule *rule, const Facts *facts) {
  struct {
    uint64_t size, mtime, owner, mode;
  } key = {.size = facts->size, .mode = (uint64_t)facts->space << 16};
  if (by_identity(rule, facts)) {
    if (!rule->ignore_mtime) key.mtime = (uint64_t)facts->mtime;
    key.owner = (uint64_t)facts->uid << 32 | facts->gid;
    key.mode |= facts->mode & ROW_PERMISSIONS;
  }
  return XXH3_64bits(&key, sizeof key);
}

#define COMPARE(a, b) \
  if ((a) != (b)) return (a) < (b) ? -1 : 1

static int same_class(const Rule *rule, const Row *left, const Row *right) {
  if (left->facts == right->facts) return 0;
  const Facts *a = tree_facts(rule->tree, left), *b = tree_facts(rule->tree, right);
  COMPARE(a->space, b->space);
  COMPARE(a->size, b->size);
  if (!by_identity(rule, a)) return 0;
  if (!rule->ignore_mtime) COMPARE(a->mtime, b->mtime);
  COMPARE(a->mode & ROW_PERMISSIONS, b->mode & ROW_PERMISSIONS);
  COMPARE(a->uid, b->uid);
  COMPARE(a->gid, b->gid);
  return 0;
}

static int by_class(const void *left, const void *right, void *argument) {
  const Rule *rule = argument;
  const Pair *l = left, *r = right;
  COMPARE(l->key, r->key);
  const Row *rows = tree_rows(rule->tree), *a = &rows[l->row], *b = &rows[r->row];
  int order = same_class(rule, a, b); /* two classes may share a key */
  if (order != 0) return order;
  COMPARE(a->ino, b->ino);
  COMPARE(l->row, r->row);
  return 0;
}

static inline bool takes_part(const Row *row, const Facts *facts) {
  return row->facts != 0 && facts->space != NO_SPACE && row->state != STATE_NOT_IN_TEMPLATE;
}

/* Buckets by the key's top bits, in place of one long sort; a few dozen pairs in each. */
static Pair *sorted_pairs(const Tree *tree, Rule *rule, uint32_t *count) {
  uint32_t rows = tree_row_count(tree), wanted = 0, bits = 1;
  Row *row = tree_rows(tree);
  for (uint32_t at = 0; at < rows; at++) {
    const Facts *facts = tree_facts(tree, &row[at]);
    if (!takes_part(&row[at], facts)) continue;
    if (facts->mode & ROW_APPEND) row[at].state = STATE_APPEND_ONLY;
    else wanted++;
  }
  while ((wanted >> bits) > 32 && bits < 24) bits++;
  uint32_t *start = calloc(((size_t)1 << bits) + 1, sizeof *start);
  Pair *pairs = malloc(((size_t)wanted + 1) * sizeof *pairs);
  if (start == NULL || pairs == NULL) {
    free(start);
    free(pairs);
    return NULL;
  }
  for (int pass = 0; pass < 2; pass++) {
    for (uint32_t at = 0; at < rows; at++) {
      const Facts *facts = tree_facts(tree, &row[at]);
      if (!takes_part(&row[at], facts) || (facts->mode & ROW_APPEND)) continue;
      uint64_t key = key_of(rule, facts);
      if (pass == 0) start[(key >> (64 - bits)) + 1]++;
      else pairs[start[key >> (64 - bits)]++] = (Pair){(uint32_t)(key >> (32 - bits)), at};
    }
    if (pass == 0)
      for (uint32_t at = 0; at < 1u << bits; at++) start[at + 1] += start[at];
  }
  /* Placing moved every start to its bucket's end, which is the next one's start. */
  for (uint32_t at = 0, from = 0; at < 1u << bits; from = start[at++])
    if (start[at] - from > 1) qsort_r(pairs + from, start[at] - from, sizeof *pairs, by_class, rule);
  free(start);
  *count = wanted;
  return pairs;
}

typedef struct {
  uint32_t first, names;
  bool pooled, fit;
} Run;

/* The names of one inode: decides whether it can take part. */
static Run take_inode(const Tree *tree, const Rule *rule, const Pair *pairs, uint32_t from, uint32_t to) {
  Row *rows = tree_rows(tree);
  const Row *first = &rows[pairs[from].row];
  const Facts *facts = tree_facts(tree, first);
  Run run = {.first = from, .fit = true};
  uint32_t end = from, state = STATE_NEW;
  for (; end < to && rows[pairs[end].row].ino == first->ino; end++) run.pooled |= (tree_facts(tree, &rows[pairs[end].row])->mode & ROW_POOL) != 0;
  run.names = end - from;
  if (!run.pooled && (facts->mode & ROW_IMMUTABLE) && by_identity(rule, facts)) state = STATE_IMMUTABLE;
  else if (!run.pooled && by_identity(rule, facts) && facts->nlink != run.names) state = STATE_OUTSIDE_LINK;
  /* Names of one inode that differ were seen at different moments. */
  for (uint32_t at = from; at < end && state == STATE_NEW; at++)
    if (rows[pairs[at].row].ctime != first->ctime) state = STATE_CHANGED;
  if (state != STATE_NEW) {
    run.fit = false;
    for (uint32_t at = from; at < end; at++) rows[pairs[at].row].state = state;
  }
  return run;
}

static bool several_guests(const Tree *tree, const Pair *pairs, uint32_t from, uint32_t names) {
  const Row *rows = tree_rows(tree);
  const Dir *dirs = tree_dirs(tree);
  for (uint32_t at = from + 1; at < from + names; at++)
    if (dirs[rows[pairs[at].row].dir].guest != dirs[rows[pairs[from].row].dir].guest) return true;
  return false;
}

static int by_first_row(const void *left, const void *right, void *argument) {
  const Candidates *candidates = argument;
  const Class *l = left, *r = right;
  COMPARE(candidates->order[candidates->inodes[l->first].first], candidates->order[candidates->inodes[r->first].first]);
  return 0;
}

#define GROW(array, count, room) \
  if ((count) == (room)) { \
    size_t more = (room) == 0 ? 4096 : (size_t)(room) + (room) / 2; \
    void *grown = realloc(array, more * sizeof *(array)); \
    if (grown == NULL) goto fail; \
    array = grown; \
    room = (uint32_t)more; \
  }

int classes_find(Tree *tree, const uint8_t *identity, bool ignore_mtime, Candidates *candidates) {
  Rule rule = {.tree = tree, .identity = identity, .ignore_mtime = ignore_mtime};
  Row *rows = tree_rows(tree);
  uint32_t count = 0, order_room = 0, inode_room = 0, class_room = 0;
  memset(candidates, 0, sizeof *candidates);
  Pair *pairs = sorted_pairs(tree, &rule, &count);
  if (pairs == NULL) return ENOMEM;
  for (uint32_t from = 0, to; from < count; from = to) {
    for (to = from + 1; to < count && pairs[to].key == pairs[from].key && same_class(&rule, &rows[pairs[from].row], &rows[pairs[to].row]) == 0; to++);
    uint32_t first_inode = candidates->inode_count, fit = 0;
    Run only = {0};
    for (uint32_t at = from; at < to;) {
      Run run = take_inode(tree, &rule, pairs, at, to);
      at += run.names;
      if (!run.fit) continue;
      only = run;
      fit++;
      GROW(candidates->inodes, candidates->inode_count, inode_room);
      candidates->inodes[candidates->inode_count++] = (Inode){.first = candidates->order_count, .names = run.names};
      for (uint32_t name = run.first; name < at; name++) {
        GROW(candidates->order, candidates->order_count, order_room);
        candidates->order[candidates->order_count++] = pairs[name].row;
      }
    }
    if (fit >= 2) {
      GROW(candidates->classes, candidates->class_count, class_room);
      candidates->classes[candidates->class_count++] = (Class){first_inode, fit};
      for (uint32_t inode = first_inode; inode < candidates->inode_count; inode++)
        for (uint32_t name = 0; name < candidates->inodes[inode].names; name++)
          rows[candidates->order[candidates->inodes[inode].first + name]].state = STATE_CANDIDATE + inode;
    } else if (fit == 1) {
      candidates->inode_count = first_inode;
      candidates->order_count -= only.names;
      uint32_t state = only.pooled || several_guests(tree, pairs, only.first, only.names) ? STATE_ALREADY : STATE_UNIQUE;
      for (uint32_t name = only.first; name < only.first + only.names; name++) rows[pairs[name].row].state = state;
    }
  }
  free(pairs);
  /* In the order of the walk, so that what is read next lies in a directory that is open. */
  if (candidates->class_count > 0) qsort_r(candidates->classes, candidates->class_count, sizeof(Class), by_first_row, candidates);
  return 0;
fail:
  free(pairs);
  return ENOMEM;
}

void candidates_free(Candidates *candidates) {
  free(candidates->order);
  free(candidates->inodes);
  free(candidates->classes);
  free(candidates->grouped);
  free(candidates->group_start);
  free(candidates);
}
