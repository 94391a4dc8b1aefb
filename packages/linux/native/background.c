/*
 * Giving way to guests. A thread that only reads runs when a processor is idle and reads when a disk is (where the I/O
 * scheduler knows classes: BFQ and mq-deadline do). One that changes guests' directories holds their locks and the file
 * system's journal, for which guests would wait: it runs last, but it runs.
 */
#include "background.h"
#include <sched.h>
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

Priority background_enter(bool changes) {
  struct sched_param none = {0};
  Priority before = {.policy = sched_getscheduler(0), .nice = getpriority(PRIO_PROCESS, 0), .io = get_io()};
  /* Nothing here can fail in a way that matters: giving way needs no privilege. */
  sched_setscheduler(0, changes ? SCHED_BATCH : SCHED_IDLE, &none);
  setpriority(PRIO_PROCESS, 0, LOWEST);
  set_io(changes ? IO_BEST_EFFORT_LAST : IO_IDLE);
  return before;
}

void background_leave(const Priority *before) {
  struct sched_param none = {0};
  /* Without CAP_SYS_NICE a thread stays in the background: it is one of a pool that does such work only. */
  sched_setscheduler(0, before->policy, &none);
  setpriority(PRIO_PROCESS, 0, before->nice);
  set_io(before->io);
}
