#include "index.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int by_place(const void *left, const void *right) {
  const IndexRecord *a = left, *b = right;
  if (a->dev != b->dev) return a->dev < b->dev ? -1 : 1;
  return a->ino < b->ino ? -1 : a->ino > b->ino;
}

/* Copies a record that was not met, one run older; 0 when it is too old. */
static size_t keep(const IndexRecord *old, IndexRecord *to) {
  if ((old->flags >> INDEX_AGE_SHIFT) >= INDEX_MOST_AGE) return 0;
  *to = *old;
  to->flags += 1u << INDEX_AGE_SHIFT;
  return 1;
}

/* Whether a record says what the old one did; its age is how long the file was not met. */
static bool is_known(const IndexRecord *old, const IndexRecord *fresh) {
  IndexRecord met = *old;
  met.flags &= (1u << INDEX_AGE_SHIFT) - 1;
  return memcmp(&met, fresh, sizeof met) == 0;
}

int index_build(const Tree *tree, const uint8_t *gone, const IndexRecord *old, size_t old_count, IndexRecord **records, size_t *count) {
  const Candidates *candidates = tree->candidates;
  IndexRecord *fresh = malloc(((size_t)candidates->inode_count + 1) * sizeof *fresh);
  IndexRecord *all = malloc(((size_t)candidates->inode_count + old_count + 1) * sizeof *all);
  size_t made = 0, written = 0, behind = 0;
  bool news = false;
  if (fresh == NULL || all == NULL) {
    free(fresh);
    free(all);
    return ENOMEM;
  }
  for (uint32_t at = 0; at < candidates->inode_count; at++) {
    const Inode *inode = &candidates->inodes[at];
    news |= gone[at] != 0;
    if (gone[at] || !(inode->flags & TOKEN_KNOWN)) continue;
    const Row *row = &tree_rows(tree)[candidates->order[inode->first]];
    fresh[made++] = (IndexRecord){
        .dev = tree->guests[tree_dirs(tree)[row->dir].guest].dev,
        .ino = row->ino,
        .size = tree_facts(tree, row)->size,
        .mtime = tree_facts(tree, row)->mtime,
        .ctime = row->ctime,
        .low = inode->low,
        .high = inode->high,
        .flags = inode->flags & (TOKEN_KNOWN | TOKEN_HEAD | TOKEN_ATTRIBUTES),
    };
  }
  qsort(fresh, made, sizeof *fresh, by_place);
  for (size_t at = 0; at < made; at++) {
    for (; behind < old_count && by_place(&old[behind], &fresh[at]) < 0; behind++)
      written += keep(&old[behind], &all[written]);
    news |= behind == old_count || !is_known(&old[behind], &fresh[at]);
    while (behind < old_count && by_place(&old[behind], &fresh[at]) == 0) behind++;
    all[written++] = fresh[at];
  }
  for (; behind < old_count; behind++)
    written += keep(&old[behind], &all[written]);
  free(fresh);
  if (!news) {
    free(all);
    all = NULL;
    written = 0;
  }
  *records = all;
  *count = written;
  return 0;
}
