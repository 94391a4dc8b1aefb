#include "groups.h"
#include "reason.h"
#include <errno.h>
#include <stdlib.h>

static int by_hash(const void *left, const void *right, void *argument) {
  const Candidates *candidates = argument;
  uint32_t l = *(const uint32_t *)left, r = *(const uint32_t *)right;
  const Inode *a = &candidates->inodes[l], *b = &candidates->inodes[r];
  if (a->flags != b->flags) return a->flags < b->flags ? -1 : 1;
  if (a->low != b->low) return a->low < b->low ? -1 : 1;
  if (a->high != b->high) return a->high < b->high ? -1 : 1;
  return l < r ? -1 : l > r;
}

static bool equal(const Inode *a, const Inode *b) { return a->flags == b->flags && a->low == b->low && a->high == b->high; }

static void stands_alone(Tree *tree, const Candidates *candidates, const Inode *inode) {
  Row *rows = tree_rows(tree);
  const uint32_t *names = candidates->order + inode->first;
  uint32_t state = STATE_UNIQUE;
  for (uint32_t at = 0; at < inode->names; at++)
    if ((tree_facts(tree, &rows[names[at]])->mode & ROW_POOL) || tree_dirs(tree)[rows[names[at]].dir].guest != tree_dirs(tree)[rows[names[0]].dir].guest) state = STATE_ALREADY;
  for (uint32_t at = 0; at < inode->names; at++) rows[names[at]].state = state;
}

int groups_find(Tree *tree, Candidates *candidates) {
  uint32_t *grouped = malloc(((size_t)candidates->inode_count + 1) * sizeof *grouped);
  uint32_t *start = malloc(((size_t)candidates->inode_count / 2 + 2) * sizeof *start);
  uint32_t count = 0, groups = 0;
  if (grouped == NULL || start == NULL) {
    free(grouped);
    free(start);
    return ENOMEM;
  }
  for (uint32_t at = 0; at < candidates->class_count; at++) {
    const Class *class = &candidates->classes[at];
    uint32_t from = count, members = 0;
    /* The class is sorted behind what is kept and then packed over it: groups never outgrow their class. */
    for (uint32_t inode = class->first; inode < class->first + class->count; inode++)
      if (candidates->inodes[inode].flags & TOKEN_KNOWN) grouped[from + members++] = inode;
    qsort_r(grouped + from, members, sizeof *grouped, by_hash, candidates);
    for (uint32_t run = from, end; run < from + members; run = end) {
      const Inode *one_of = &candidates->inodes[grouped[run]];
      for (end = run + 1; end < from + members && equal(one_of, &candidates->inodes[grouped[end]]); end++);
      if (end - run == 1 || (one_of->flags & TOKEN_HEAD)) {
        for (uint32_t one = run; one < end; one++) stands_alone(tree, candidates, &candidates->inodes[grouped[one]]);
        continue;
      }
      start[groups++] = count;
      for (uint32_t one = run; one < end; one++) grouped[count++] = grouped[one];
    }
  }
  start[groups] = count;
  candidates->grouped = grouped;
  candidates->group_start = start;
  candidates->grouped_count = count;
  candidates->group_count = groups;
  return 0;
}
