#pragma once
#include "tree.h"
#include "reason.h"

/* What became of the names of the guests. */
typedef struct {
  uint64_t by_state[STATES]; /* names of no candidate, and of members that a swap left alone, by state */
  uint64_t by_fate[256];     /* names of inodes that the plan left alone, by fate */
  struct {
    uint64_t unified; /* names */
    uint64_t freed;   /* bytes; an inode's are counted once, where its first name lies */
  } guest[];
} RowCounts;

/*
 * Counts every name outside pools.
 * fates: by inode, as plain-groups.h has them; beyond FATE_MEMBER, why the inode was left alone
 * states, freed: by inode, what became of a member and the bytes it freed. NULL: all are done, and free their own blocks
 */
void count_rows(const Tree *tree, const uint8_t *fates, const uint8_t *states, const double *freed, RowCounts *counts);
