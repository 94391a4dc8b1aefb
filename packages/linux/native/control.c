#include "control.h"
#include <time.h>

/* Half of the promised 100 ms from cancel to stop. */
#define SLICE_NS 20000000

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

void control_charge(Control *control, int64_t bytes) {
  atomic_fetch_add_explicit(&control->bytes_read, bytes, memory_order_relaxed);
  int64_t rate = atomic_load_explicit(&control->bytes_a_second, memory_order_relaxed);
  if (rate <= 0) return;
  int64_t spent = atomic_fetch_add(&control->spent, bytes) + bytes;
  while (!cancelled(control) && (double)spent / (double)rate * 1e9 > (double)(monotonic_ns() - atomic_load(&control->started))) slice();
}
