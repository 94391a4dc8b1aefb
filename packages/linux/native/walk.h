#pragma once
#include "control.h"
#include "exact.h"
#include "known.h"
#include "pattern.h"
#include "tree.h"

typedef struct {
  uint32_t tag; /* as in a pool object's name */
  uint32_t guest; /* the pool it holds for */
  uint16_t space;
} PoolTag;

typedef struct {
  Tree *tree;
  Control *control;
  Pattern *patterns; /* not applied to pools */
  uint32_t pattern_count;
  Exact *exact;     /* one a guest */
  PoolTag *tags;
  uint32_t tag_count;
  Known *known; /* or NULL; of the same guests in the same order, and the same rules */
  uint64_t min_size;
  uint32_t threads;
} Walk;

/* Reads every directory of every guest into rows. Returns 0, ECANCELED or ENOMEM; what could not be read is in failures. */
int walk_run(Walk *walk);
