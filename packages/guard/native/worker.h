/* The threads that copy. The main thread never does: it must answer the next callers while a copy is made. */
#ifndef SAMEPAGE_WORKER_H
#define SAMEPAGE_WORKER_H

#include <stdbool.h>
#include "guard-abi.h"

#define WORKERS 4 /* copies at one time; more would only share one disk */

struct job {
	struct guard_event event;
	bool held; /* by hold.h; else the caller waits in its hook for a result */
};

/* 0, or -1 with errno. */
int workers_start(int answers_map);

/* False when the queue is full: the caller is refused. */
bool workers_submit(const struct job *job);

/* Writes a caller's answer. */
void answer(const struct guard_event *event, __u32 state, int error);

#endif
