#pragma once
#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Memory that grows without moving: address space is reserved once and committed in steps, so threads can append
 * and read side by side and nothing is ever copied to make room.
 */
typedef struct {
  char *base;
  size_t limit;
  _Atomic size_t used;
  _Atomic size_t committed;
  pthread_mutex_t lock;
} Region;

/* Returns 0, or an errno. */
int region_open(Region *region, size_t limit);
/* Offset of `size` fresh zeroed bytes, or SIZE_MAX when the reservation or the machine's memory is exhausted. */
size_t region_take(Region *region, size_t size);
void region_close(Region *region);
