#pragma once
#include "candidates.h"

/* What a space says of its inodes. Order and width are the contract with JavaScript. */
typedef struct {
  uint32_t links;       /* 1: inodes are shared; 0: only extents, so that no group of it is plain */
  uint32_t link_limit;  /* names an inode may have */
  uint32_t parts_names; /* 1: a write through one name leaves the others where they are */
} PlainSpace;

/* Of an inode of a plain group; others have 0. Order is the contract with JavaScript. */
enum { FATE_NONE, FATE_CANONICAL, FATE_MEMBER };

/*
 * Plans what nearly every group is: no inode of it in the pool or held by anybody, and room for all names on one. There are
 * millions, and nothing to decide but which inode stays. The others are left to whoever knows more.
 */
typedef struct {
  const Tree *tree;
  const PlainSpace *spaces; /* by space */
  uint64_t *held;           /* numbers of inodes that somebody holds on to, on whatever file system; sorted by the call */
  size_t held_count;
  /* The caller's memory, filled here. Groups one after the other: canonical inode, number of members, members; at most three words for two inodes. */
  uint32_t *words;
  uint32_t *others; /* groups that are not plain; room for all */
  uint8_t *fates;   /* by inode; zeroed */
  size_t word_count;
  uint32_t other_count;
} PlainGroups;

void plain_groups(PlainGroups *job);
