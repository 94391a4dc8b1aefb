#pragma once
#include <stdbool.h>
#include <stddef.h>
#include "control.h"
#include "tree.h"

/* Pages of an open file in the page cache (cachestat(2), Linux 6.5), or -1 where the kernel cannot tell. */
int64_t cache_pages(int fd);
/* Whether the page cache holds any of it; when in doubt, yes. */
bool cache_has(int fd);

/* In `shown`: names that share with nobody. */
#define CACHE_ALONE UINT32_MAX
#define CACHE_MOST_THREADS 64

/* Cached pages of inodes that several names show, and what private copies of them would take besides. */
typedef struct {
  uint64_t shared, saved;
} CachePages;

/*
 * `shown`: by inode of the candidates, the row whose inode its names show now, or CACHE_ALONE; other names show their own.
 * Returns 0, ENOMEM or ECANCELED.
 */
int cache_measure(const Tree *tree, const uint32_t *shown, size_t count, uint32_t threads, Control *control, CachePages *pages);
