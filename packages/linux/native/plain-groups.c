#include "plain-groups.h"
#include <stdlib.h>

#define COMPARE(a, b) \
  if ((a) != (b)) return (a) < (b) ? -1 : 1

typedef struct {
  const PlainGroups *job;
  const Row *rows;
  const Candidates *candidates;
} View;

static const Row *row_of(const View *view, uint32_t inode) { return &view->rows[view->candidates->order[view->candidates->inodes[inode].first]]; }

static int by_number(const void *left, const void *right) {
  COMPARE(*(const uint64_t *)left, *(const uint64_t *)right);
  return 0;
}

/* Whether the inode has no name in the pool, nobody holds on to it, and all its names may move. */
static bool is_plain(const View *view, const PlainSpace *space, uint32_t inode) {
  const Inode *which = &view->candidates->inodes[inode];
  const uint32_t *names = view->candidates->order + which->first;
  uint64_t ino = view->rows[names[0]].ino;
  if (view->job->held_count > 0 && bsearch(&ino, view->job->held, view->job->held_count, sizeof ino, by_number) != NULL) return false;
  if (space->parts_names && which->names > 1) return false;
  for (uint32_t at = 0; at < which->names; at++)
    if (tree_facts(view->job->tree, &view->rows[names[at]])->mode & ROW_POOL) return false;
  return true;
}

/* The order in which inodes outside the pool are chosen to stay: most links, then oldest. */
static int better(const View *view, uint32_t left, uint32_t right) {
  const Row *a = row_of(view, left), *b = row_of(view, right);
  COMPARE(tree_facts(view->job->tree, b)->nlink, tree_facts(view->job->tree, a)->nlink);
  COMPARE(a->ctime, b->ctime);
  COMPARE(a->ino, b->ino);
  return 0;
}

/* Whether the group is plain; then its words are written, and the fates of its inodes. */
static bool plan_group(PlainGroups *job, const View *view, uint32_t group) {
  const uint32_t *grouped = view->candidates->grouped;
  uint32_t from = view->candidates->group_start[group], to = view->candidates->group_start[group + 1], canonical = grouped[from];
  const PlainSpace *space = &job->spaces[tree_facts(job->tree, row_of(view, canonical))->space];
  uint64_t names = 0;
  if (!space->links) return false;
  for (uint32_t at = from; at < to; at++) {
    if (!is_plain(view, space, grouped[at])) return false;
    names += view->candidates->inodes[grouped[at]].names;
    if (better(view, grouped[at], canonical) < 0) canonical = grouped[at];
  }
  /* One more name is the pool's own. */
  uint64_t links = tree_facts(job->tree, row_of(view, canonical))->nlink;
  if (links + 1 + names - view->candidates->inodes[canonical].names > space->link_limit) return false;
  uint32_t *words = job->words + job->word_count;
  *words++ = canonical;
  *words++ = to - from - 1;
  for (uint32_t at = to; at-- > from;) {
    job->fates[grouped[at]] = grouped[at] == canonical ? FATE_CANONICAL : FATE_MEMBER;
    if (grouped[at] != canonical) *words++ = grouped[at];
  }
  job->word_count = (size_t)(words - job->words);
  return true;
}

void plain_groups(PlainGroups *job) {
  const Candidates *candidates = job->tree->candidates;
  View view = {.job = job, .rows = tree_rows(job->tree), .candidates = candidates};
  qsort(job->held, job->held_count, sizeof *job->held, by_number);
  for (uint32_t group = 0; group < candidates->group_count; group++)
    if (!plan_group(job, &view, group)) job->others[job->other_count++] = group;
}
