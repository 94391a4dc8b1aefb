#pragma once
#include <stddef.h>
#include <stdint.h>
#include "gate.h"

typedef struct {
  int quarantine;
  const int *roots; /* by guest and pool, as numbered in the journal: -1 for one that is gone, -2 for one that is out of reach now */
  uint32_t root_count;
  const char *journal; /* records as journal.c writes them */
  size_t journal_size;
  int64_t ended; /* ns: no exchange of the run was later */
  uint32_t restored, completed, pending;
  char *damaged; /* paths in their pools, each ended by NUL: objects that were written to while their flag was lifted */
  size_t damaged_size;
  Gate gate;
} Recover;

/* Settles every file that an interrupted run left in its quarantine. Returns 0 or an errno; `damaged` is the caller's to free. */
int recover_run(Recover *recover);
