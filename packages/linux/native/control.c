#include "control.h"
#include <time.h>

/* Half of the promised 100 ms from cancel to stop. */
#define SLICE_NS 20000000

/*
 * A thread that gives way is still picked now and then while others want its processor (even SCHED_IDLE has a weight), and
 * then nothing takes it off before the next tick: 4 ms at 250 Hz. One that goes to sleep by itself every so often lets a
 * guest wait no longer than that. The rest is what leaves the memory's bandwidth, the caches and the disk's queue to others.
 */
#define BURST_NS 200000
#define REST_PER_WORK 2
/* After a read that the disk took long for, half a second's rest would only make the pass endless. */
#define LONGEST_REST_NS 5000000

int64_t monotonic_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000000000LL + now.tv_nsec;
}

static void slice(void) {
  struct timespec wait = {.tv_nsec = SLICE_NS};
  nanosleep(&wait, NULL);
}

void control_start(Control *control) {
  atomic_store(&control->started, monotonic_ns());
  atomic_store(&control->spent, 0);
}

int control_wait(Control *control) {
  while (paused(control) && !cancelled(control)) slice();
  return cancelled(control);
}

void control_breathe(Control *control) {
  static _Thread_local int64_t since;
  if (atomic_load_explicit(&control->paced, memory_order_relaxed) == 0) return;
  int64_t worked = monotonic_ns() - since;
  if (worked < BURST_NS) return;
  int64_t rest = worked * REST_PER_WORK;
  struct timespec wait = {.tv_nsec = rest < LONGEST_REST_NS ? rest : LONGEST_REST_NS};
  nanosleep(&wait, NULL);
  since = monotonic_ns();
}

void control_charge(Control *control, int64_t bytes) {
  atomic_fetch_add_explicit(&control->bytes_read, bytes, memory_order_relaxed);
  int64_t rate = atomic_load_explicit(&control->bytes_a_second, memory_order_relaxed);
  if (rate <= 0) return;
  int64_t spent = atomic_fetch_add(&control->spent, bytes) + bytes;
  while (!cancelled(control) && (double)spent / (double)rate * 1e9 > (double)(monotonic_ns() - atomic_load(&control->started))) slice();
}
