/*
 * Giving way to guests. A thread that only reads runs when a processor is idle and reads when a disk is (where the I/O
 * scheduler knows classes: BFQ and mq-deadline do). One that changes guests' directories holds their locks and the file
 * system's journal, for which guests would wait: it runs last, but it runs.
 */
#include "background.h"
#include <dirent.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

/* linux/ioprio.h has them from 5.15 on only. */
#define IO_THREAD 1
#define IO_BEST_EFFORT_LAST ((2 << 13) | 7)
#define IO_IDLE (3 << 13)
#define LOWEST 19

static int get_io(void) { return (int)syscall(SYS_ioprio_get, IO_THREAD, 0); }
static void set_io(int priority) { syscall(SYS_ioprio_set, IO_THREAD, 0, priority); }

/* What the process was started with, and whether it runs in the background as a whole. */
static int ordinary = SCHED_OTHER;
static atomic_bool whole;
__attribute__((constructor)) static void remember(void) { ordinary = sched_getscheduler(0); }
static int own_policy(void) { return atomic_load(&whole) ? SCHED_IDLE : ordinary; }

void background_process(bool on) {
  struct sched_param none = {0};
  int from = on ? ordinary : SCHED_IDLE;
  atomic_store(&whole, on);
  DIR *tasks = opendir("/proc/self/task");
  if (tasks == NULL) return;
  /* Threads started meanwhile inherit it from those that are here; one in a job is left to the job's end. */
  for (const struct dirent *entry; (entry = readdir(tasks)) != NULL;) {
    pid_t id = atoi(entry->d_name);
    if (id > 0 && sched_getscheduler(id) == from) sched_setscheduler(id, own_policy(), &none);
  }
  closedir(tasks);
}

Priority background_enter(bool changes) {
  struct sched_param none = {0};
  Priority before = {.nice = getpriority(PRIO_PROCESS, 0), .io = get_io()};
  /* Nothing here can fail in a way that matters: giving way needs no privilege. */
  sched_setscheduler(0, changes ? SCHED_BATCH : SCHED_IDLE, &none);
  setpriority(PRIO_PROCESS, 0, LOWEST);
  set_io(changes ? IO_BEST_EFFORT_LAST : IO_IDLE);
  return before;
}

void background_leave(const Priority *before) {
  struct sched_param none = {0};
  /* Without CAP_SYS_NICE a thread stays in the background: it is one of a pool that does such work only. */
  sched_setscheduler(0, own_policy(), &none);
  setpriority(PRIO_PROCESS, 0, before->nice);
  set_io(before->io);
}
