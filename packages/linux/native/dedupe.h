#pragma once
#include "candidates.h"
#include "control.h"
#include "tree.h"

/* Per inode: where it lies, or what sharing it freed. */
typedef struct {
  uint64_t place;
  uint64_t bytes; /* exclusive before (dedupe_measure), freed (dedupe_run) */
  uint32_t state; /* STATE_NEW when measured; STATE_UNSUPPORTED when it cannot share */
  uint32_t zero;
} DedupeResult;

typedef struct {
  Tree *tree;
  Control *control;
  /* measure: inodes. run: groups, canonical inode, number of members, members … */
  const uint32_t *words;
  size_t count;
  DedupeResult *results; /* by inode */
  uint32_t threads;
  _Atomic size_t next;
} Dedupe;

/* Reads where the inodes' extents lie. Returns 0 or ECANCELED. */
int dedupe_measure(Dedupe *job);
/* Makes members share the canonical inode's extents; the kernel compares. Returns 0. */
int dedupe_run(Dedupe *job);
