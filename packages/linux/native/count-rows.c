#include "count-rows.h"
#include "candidates.h"
#include "plain-groups.h"

void count_rows(const Tree *tree, const uint8_t *fates, const uint8_t *states, const double *freed, RowCounts *counts) {
  const Row *rows = tree_rows(tree);
  const Dir *dirs = tree_dirs(tree);
  const Candidates *candidates = tree->candidates;
  uint32_t count = tree_row_count(tree);
  for (uint32_t at = 0; at < count; at++) {
    if (rows[at].facts == 0) continue;
    const Facts *facts = tree_facts(tree, &rows[at]);
    if (facts->mode & ROW_POOL) continue;
    if (rows[at].state < STATE_CANDIDATE) {
      counts->by_state[rows[at].state]++;
      continue;
    }
    uint32_t inode = rows[at].state - STATE_CANDIDATE;
    if (fates[inode] > FATE_MEMBER) counts->by_fate[fates[inode]]++;
    if (fates[inode] != FATE_MEMBER) continue;
    uint8_t state = states == NULL ? STATE_DONE : states[inode];
    if (state != STATE_DONE) {
      counts->by_state[state]++;
      continue;
    }
    uint32_t guest = dirs[rows[at].dir].guest;
    counts->guest[guest].unified++;
    if (candidates->order[candidates->inodes[inode].first] == at) counts->guest[guest].freed += freed == NULL ? (uint64_t)facts->blocks * 512 : (uint64_t)freed[inode];
  }
}
