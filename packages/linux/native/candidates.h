#pragma once
#include "control.h"
#include "tree.h"

#define TOKEN_KNOWN 1u
#define TOKEN_HEAD 2u /* of the first HEAD bytes only: enough to tell it from its whole class */
#define TOKEN_ATTRIBUTES 8u /* attributes are in the hash, too; they are in spaces of hard links only */
#define HEAD ((uint64_t)128 << 10)

/*
 * 24 bytes. The hash is XXH3-128 of the content, in spaces of hard links mixed with the attributes. Equal ones propose; only
 * a comparison under a lease, or by the kernel, decides.
 */
typedef struct {
  uint64_t low, high;
  uint32_t first; /* position in order of its first name; the others follow */
  uint32_t names : 28, flags : 4; /* TOKEN_*; JavaScript knows where they are */
} Inode;

typedef struct {
  uint32_t first; /* inode */
  uint32_t count;
} Class;

typedef struct Candidates {
  uint32_t *order; /* rows of candidate inodes, a class at a time, an inode's names side by side */
  Inode *inodes;
  Class *classes;
  uint32_t order_count, inode_count, class_count;
  /* Inodes of equal content (and identity): group g is grouped[group_start[g] … group_start[g + 1] - 1]. */
  uint32_t *grouped, *group_start;
  uint32_t grouped_count, group_count;
} Candidates;

/* One line of the index: 64 bytes, sorted by (dev, ino). */
typedef struct {
  uint64_t dev, ino;
  uint64_t size;
  int64_t mtime, ctime;
  uint64_t low, high;
  uint64_t flags;
} IndexRecord;

typedef struct {
  Tree *tree;
  Control *control;
  /* By space. Not 0: what must be equal for two names to be one inode (hard links). 0: content alone (reflink). */
  const uint8_t *identity;
  bool ignore_mtime;
  const IndexRecord *index;
  size_t index_count;
  uint32_t min_threads, max_threads;
  bool drop_cache; /* what was not in the page cache before is dropped from it after */
} Identify;

/* Sets every row's state; inodes that may equal another become candidates with a hash. Returns 0 or an errno. */
int identify_run(Identify *identify);
