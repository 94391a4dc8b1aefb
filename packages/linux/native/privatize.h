#pragma once
#include "control.h"
#include "tree.h"

typedef struct {
  uint32_t taken_blocks; /* of 512 bytes, that the private copy holds */
  uint32_t state;
} PrivateResult;

typedef struct {
  Tree *tree;
  Control *control;
  int quarantine;
  /* Files one after the other: number of names, rows of the names. All names of a file get one private copy. */
  const uint32_t *files;
  size_t file_words;
  PrivateResult *results; /* by file */
  uint64_t copied;
} Privatize;

/* Gives names private copies of the inode they share with others. Returns 0 or an errno. */
int privatize_run(Privatize *job);
