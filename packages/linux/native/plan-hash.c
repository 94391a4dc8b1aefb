#include "plan-hash.h"
#include "candidates.h"
#include "sha256.h"
#include <errno.h>
#include <stdlib.h>

typedef struct {
  const Tree *tree;
  const uint32_t *words; /* canonical inode, number of members, members */
} Group;

static const Row *row_of(const Tree *tree, uint32_t inode) { return &tree_rows(tree)[tree->candidates->order[tree->candidates->inodes[inode].first]]; }

static int by_canonical(const void *left, const void *right) {
  const Group *l = left, *r = right;
  const Row *a = row_of(l->tree, l->words[0]), *b = row_of(r->tree, r->words[0]);
  const Facts *x = tree_facts(l->tree, a), *y = tree_facts(r->tree, b);
  if (x->space != y->space) return x->space < y->space ? -1 : 1;
  return a->ino < b->ino ? -1 : a->ino > b->ino;
}

int plan_hash(const Tree *tree, const uint32_t *const *plans, const size_t *words, size_t count, uint8_t digest[32]) {
  size_t groups = 0, made = 0;
  for (size_t plan = 0; plan < count; plan++)
    for (size_t at = 0; at < words[plan]; at += 2 + plans[plan][at + 1]) groups++;
  Group *group = malloc((groups + 1) * sizeof *group);
  if (group == NULL) return ENOMEM;
  for (size_t plan = 0; plan < count; plan++)
    for (size_t at = 0; at < words[plan]; at += 2 + plans[plan][at + 1]) group[made++] = (Group){tree, plans[plan] + at};
  qsort(group, made, sizeof *group, by_canonical);
  Sha256 sha;
  sha256_start(&sha);
  for (size_t at = 0; at < made; at++) {
    const Row *canonical = row_of(tree, group[at].words[0]);
    uint64_t head[3] = {tree_facts(tree, canonical)->space, canonical->ino, group[at].words[1]};
    sha256_add(&sha, head, sizeof head);
    for (uint32_t member = 0; member < group[at].words[1]; member++) {
      const Row *row = row_of(tree, group[at].words[2 + member]);
      uint64_t record[3] = {row->ino, (uint64_t)row->ctime, tree_facts(tree, row)->size};
      sha256_add(&sha, record, sizeof record);
    }
  }
  sha256_end(&sha, digest);
  free(group);
  return 0;
}
