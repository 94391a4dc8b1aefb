#pragma once
#include <stdatomic.h>
#include <stdint.h>

/*
 * A block of 64-bit words shared with JavaScript while a job runs: JavaScript sets the first ones, the job's threads
 * count in the others. Plain shared memory keeps cancelling and progress out of the event loop.
 */
typedef struct {
  _Atomic int64_t cancel;          /* in: STOP_* */
  _Atomic int64_t pause;           /* in: not 0 makes the threads wait (memory or I/O pressure) */
  _Atomic int64_t bytes_a_second;  /* in: upper bound of the read rate, 0 for none */
  _Atomic int64_t files;           /* out: names seen, inodes read or names swapped, by job */
  _Atomic int64_t bytes_read;
  _Atomic int64_t bytes_hashed;
  _Atomic int64_t bytes_compared;
  _Atomic int64_t spent;           /* private: bytes charged against the rate */
  _Atomic int64_t started;         /* private: CLOCK_MONOTONIC ns at the job's start */
  _Atomic int64_t background;      /* in: not 0 lets the job's threads give way to everybody else's */
  _Atomic int64_t paced;           /* in: not 0 lets reading threads work in short bursts only */
} Control;

enum {
  STOP_NO,
  STOP_NOW,  /* within milliseconds: what waits in a quarantine is left to recovery */
  STOP_SOON, /* nothing new is begun; what waits in a quarantine is settled first */
};

#define CONTROL_WORDS 16

static inline int cancelled(Control *control) { return atomic_load_explicit(&control->cancel, memory_order_relaxed) != STOP_NO; }
static inline int paused(Control *control) { return atomic_load_explicit(&control->pause, memory_order_relaxed) != 0; }
static inline int hurried(Control *control) { return atomic_load_explicit(&control->cancel, memory_order_relaxed) == STOP_NOW; }
/* Charges bytes to the rate and sleeps as long as it asks for, in slices short enough to be cancelled. */
void control_charge(Control *control, int64_t bytes);
void control_start(Control *control);
/* Sleeps while paused; returns not 0 when the job is cancelled. */
int control_wait(Control *control);
/* In a paced job: rests once the calling thread has worked for a moment. To be called between any two small pieces of reading, with no lock held. */
void control_breathe(Control *control);
int64_t monotonic_ns(void);
