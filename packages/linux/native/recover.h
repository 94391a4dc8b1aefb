#pragma once
#include <stddef.h>
#include <stdint.h>

typedef struct {
  int quarantine;
  const int *roots; /* by guest, as numbered in the journal: -1 for a guest that is gone, -2 for one that is out of reach now */
  uint32_t root_count;
  const char *journal; /* records as swap_journal writes them */
  size_t journal_size;
  int64_t ended; /* ns: no exchange of the run was later */
  uint32_t restored, completed, pending;
} Recover;

/* Settles every file that an interrupted run left in its quarantine. Returns 0 or an errno. */
int recover_run(Recover *recover);
