#pragma once
#include <stdbool.h>
#include <stddef.h>
#include "control.h"
#include "tree.h"

/* Pages of an open file in the page cache (cachestat(2), Linux 6.5), or -1 where the kernel cannot tell. */
int64_t cache_pages(int fd);
/* Whether the page cache holds any of it; when in doubt, yes. */
bool cache_has(int fd);
/* Of many rows; 0 where it cannot be told. Returns 0 or ECANCELED. */
int cache_measure(const Tree *tree, const uint32_t *rows, size_t count, uint32_t *pages, Control *control);
