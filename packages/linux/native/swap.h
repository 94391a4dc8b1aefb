#pragma once
#include <pthread.h>
#include "candidates.h"
#include "control.h"
#include "exchange.h"
#include "gate.h"
#include "tree.h"

enum { GUARD_NONE, GUARD_IMMUTABLE, GUARD_COW };

/* Where the objects of one space live. */
typedef struct {
  int pool;       /* directory, open for reading */
  int quarantine; /* directory of this run */
  int *parts;     /* by thread: its own directory in the quarantine; the files there are named after positions in Candidates.order */
  uint32_t tag;   /* the domain's, as in object names */
  uint32_t guard;
  bool shares_extents; /* files may hold extents together, which go free with the last of them only */
  int64_t grace_ns; /* for which a displaced inode waits at least for a late writer; 0: until the groups that a thread took together are done */
} SwapSpace;

/* The bytes on disk that the last name's going freed, and what became of the inode. */
typedef struct {
  uint32_t freed_blocks; /* of 512 bytes */
  uint32_t state;        /* STATE_NEW: not touched */
} SwapResult;

typedef struct {
  Tree *tree;
  Control *control;
  SwapSpace *spaces;
  uint32_t space_count;
  /* Groups: canonical inode, number of members, members … */
  const uint32_t *plan;
  size_t plan_words;
  uint32_t *group_at; /* index into plan by group */
  uint32_t group_count;
  int *canonical; /* by group: descriptors opened by swap_prepare, or -1 */
  bool prepared;  /* their leases are held while the groups run, which therefore do not pause */
  SwapResult *results; /* by inode */
  uint8_t *exposed;    /* by group: whether a guest's name led to the canonical inode, even if it was put back since */
  bool ignore_mtime;
  uint32_t threads;
  DirTimes dir_times;
  Gate gate;
  _Atomic uint32_t next_group;
  uint32_t end_group;
} Swap;

/* Returns 0 or an errno. The plan's memory must outlive the swap. */
int swap_open(Swap *swap);
/* Whether the inode has a name in the pool; `name` becomes that one, else its first. */
bool swap_is_pooled(const Swap *swap, uint32_t inode, const Row **name);
/* Opens the canonical inodes of groups [from, to), each under a read lease, so that a guard can be put on them. */
void swap_prepare(Swap *swap, uint32_t from, uint32_t to);
/* Executes groups [from, to); every displaced inode is settled when it returns. Returns 0 or an errno. */
int swap_run(Swap *swap, uint32_t from, uint32_t to);
/* Gives all descriptors back; the results stay until swap_close. */
void swap_let_go(Swap *swap);
void swap_close(Swap *swap);
