#include "plan-hash.h"
#include "candidates.h"
#include "sha256.h"
#include <errno.h>
#include <stdlib.h>

typedef struct {
  const Row *member, *canonical;
} Swapped;

static int by_number(const void *left, const void *right) {
  const Row *a = ((const Swapped *)left)->member, *b = ((const Swapped *)right)->member;
  if (a->space != b->space) return a->space < b->space ? -1 : 1;
  return a->ino < b->ino ? -1 : a->ino > b->ino;
}

static const Row *row_of(const Tree *tree, uint32_t inode) { return &tree_rows(tree)[tree->candidates->order[tree->candidates->inodes[inode].first]]; }

int plan_hash(const Tree *tree, const uint32_t *const *plans, const size_t *words, size_t count, uint8_t digest[32]) {
  size_t members = 0, made = 0;
  for (size_t plan = 0; plan < count; plan++)
    for (size_t at = 0; at < words[plan]; at += 2 + plans[plan][at + 1]) members += plans[plan][at + 1];
  Swapped *swapped = malloc((members + 1) * sizeof *swapped);
  if (swapped == NULL) return ENOMEM;
  for (size_t plan = 0; plan < count; plan++)
    for (size_t at = 0; at < words[plan]; at += 2 + plans[plan][at + 1])
      for (uint32_t member = 0; member < plans[plan][at + 1]; member++)
        swapped[made++] = (Swapped){row_of(tree, plans[plan][at + 2 + member]), row_of(tree, plans[plan][at])};
  qsort(swapped, made, sizeof *swapped, by_number);
  Sha256 sha;
  sha256_start(&sha);
  for (size_t at = 0; at < made; at++) {
    const Row *member = swapped[at].member;
    uint64_t record[5] = {member->space, member->ino, (uint64_t)member->ctime, member->size, swapped[at].canonical->ino};
    sha256_add(&sha, record, sizeof record);
  }
  sha256_end(&sha, digest);
  free(swapped);
  return 0;
}
