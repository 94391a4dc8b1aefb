#include "region.h"
#include <errno.h>
#include <sys/mman.h>

/* Large enough that committing costs nothing beside the walk, small enough for a guest of a few files. */
#define STEP ((size_t)4 << 20)

int region_open(Region *region, size_t limit) {
  region->base = mmap(NULL, limit, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (region->base == MAP_FAILED) {
    region->base = NULL;
    return errno;
  }
  region->limit = limit;
  atomic_store(&region->used, 0);
  atomic_store(&region->committed, 0);
  pthread_mutex_init(&region->lock, NULL);
  return 0;
}

size_t region_take(Region *region, size_t size) {
  size_t at = atomic_fetch_add(&region->used, size), end = at + size;
  if (end > region->limit) {
    atomic_fetch_sub(&region->used, size);
    return SIZE_MAX;
  }
  if (end > atomic_load(&region->committed)) {
    pthread_mutex_lock(&region->lock);
    size_t from = atomic_load(&region->committed), failed = 0;
    if (end > from) {
      size_t to = (end + STEP - 1) / STEP * STEP;
      if (to > region->limit) to = region->limit;
      if (mprotect(region->base + from, to - from, PROT_READ | PROT_WRITE) == 0) atomic_store(&region->committed, to);
      else failed = 1;
    }
    pthread_mutex_unlock(&region->lock);
    if (failed) return SIZE_MAX;
  }
  return at;
}

void region_close(Region *region) {
  if (region->base == NULL) return;
  munmap(region->base, region->limit);
  pthread_mutex_destroy(&region->lock);
  region->base = NULL;
}
