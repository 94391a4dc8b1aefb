#pragma once
#include <pthread.h>
#include "tree.h"

/* Times of the directories that one run changes, shared by its threads: a guest's directories keep their mtime. */
typedef struct {
  struct DirTime *times; /* by directory */
  pthread_mutex_t locks[64];
} DirTimes;

/* Directories whose times a thread puts back together. */
#define TOUCHED 1024

/* One thread's hands: exchanges names in guests with files in a quarantine. */
typedef struct {
  const Tree *tree;
  DirTimes *shared;
  DirCache dirs;
  uint32_t touched[TOUCHED];
  uint32_t touched_count;
} Exchanger;

int dir_times_open(DirTimes *times, const Tree *tree);
void dir_times_close(DirTimes *times);

void exchanger_open(Exchanger *exchanger, const Tree *tree, DirTimes *shared);
void exchanger_close(Exchanger *exchanger);
/* In one step the name gets what `held` was and the other way round. Returns 0, or an errno with nothing changed. */
int exchange_name(Exchanger *exchanger, const Row *row, int quarantine, const char *held);
/* Exchanges and makes sure that what came out is `member`; else puts it back and returns ESTALE. */
int exchange_checked(Exchanger *exchanger, const Row *row, int quarantine, const char *held, uint64_t replacement, uint64_t member);
/* Puts back what an exchange took out; `replacement` is what it had left at the name. The held file is gone afterwards, unless the file system refuses: then it stays, for recovery. */
void exchange_back(Exchanger *exchanger, const Row *row, int quarantine, const char *held, uint64_t replacement);
/* Puts the directories' times back as they were before the exchanges so far. */
void exchanger_restore_times(Exchanger *exchanger);
