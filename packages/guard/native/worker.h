/* The threads that copy. The main thread never does: it must answer the next callers while a copy is made. */
#ifndef SAMEPAGE_WORKER_H
#define SAMEPAGE_WORKER_H

#include <stdbool.h>
#include "fair-queue.h"

#define WORKERS 8           /* copies at one time */
#define WORKERS_OF_GUEST 2  /* whatever it copies, and however slowly its disk does: the others have the rest */

/* 0, or -1 with errno. */
int workers_start(void);

/* False when the queue is full, or its guest's part of it: the caller is refused. */
bool workers_submit(const struct job *job);

/* False when jobs wait, every worker has one, and none has taken a step for a long time. */
bool workers_make_progress(void);

/* The calling worker has taken a step of a long copy. */
void worker_steps(void);

#endif
