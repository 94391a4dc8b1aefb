#pragma once
#include "control.h"
#include "exchange.h"
#include "gate.h"
#include "tree.h"

typedef struct {
  uint32_t taken_blocks; /* of 512 bytes, that the private copy holds */
  uint32_t state;
} PrivateResult;

typedef struct {
  Tree *tree;
  Control *control;
  int quarantine, journal;
  uint32_t threads;
  /* Files one after the other: number of names, row of the shared inode's name in the pool, rows of the names. All names get one private copy. */
  const uint32_t *files;
  size_t file_words;
  size_t *starts; /* by file: where it is among the words */
  uint32_t file_count;
  PrivateResult *results; /* by file */
  _Atomic uint64_t copied;
  DirTimes dir_times;
  Gate gate;
  _Atomic uint32_t next;
  _Atomic int error; /* of writing back: the first */
} Privatize;

/* Gives names private copies of the inode they share with others. Returns 0 or an errno. */
int privatize_run(Privatize *job);
