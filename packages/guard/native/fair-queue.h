/* Jobs of many guests, served in turn: whatever one guest piles up, another's next job waits for at most one of each
 * guest before it. Bounded for each guest and altogether. Plain data: whoever shares one between threads locks it. */
#ifndef SAMEPAGE_FAIR_QUEUE_H
#define SAMEPAGE_FAIR_QUEUE_H

#include <stdbool.h>
#include "guard-abi.h"

#define QUEUE_JOBS 4096 /* 16 guests at their bound; 1.6 MB */

struct job {
	struct guard_event event;
	bool held; /* by hold.h; else the caller waits in its hook for a result */
	unsigned overtaken; /* jobs of other guests that were started while this one waited */
};

/* A guest with something waiting or running. */
struct lane {
	__u64 guest;
	int first, last; /* jobs waiting, -1: none */
	unsigned length;
	unsigned running;
	unsigned long long started; /* jobs taken out of it so far */
};

struct fair_queue {
	struct {
		struct job job;
		int next;
		unsigned long long others_before; /* jobs of other guests that had been started when it came */
	} jobs[QUEUE_JOBS];
	struct lane lanes[QUEUE_JOBS]; /* in the order of their turns */
	int free, lane_count;
	unsigned length;
	unsigned long long started;
};

void fair_queue_start(struct fair_queue *queue);

/* False when the queue is full, or the job's guest has `limit` jobs waiting. */
bool fair_queue_push(struct fair_queue *queue, const struct job *job, unsigned limit);

/* The next job of the guest whose turn it is among those with fewer than `at_once` running. False: none may run now.
 * `fair_queue_done` must follow. */
bool fair_queue_take(struct fair_queue *queue, unsigned at_once, struct job *job);

void fair_queue_done(struct fair_queue *queue, __u64 guest);

#endif
