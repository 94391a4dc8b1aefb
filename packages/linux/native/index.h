#pragma once
#include <stddef.h>
#include "candidates.h"

/* Runs for which a record of a file that was not met is kept: guests outside a run's scope come again. */
#define INDEX_MOST_AGE 32
#define INDEX_AGE_SHIFT 8

/*
 * What is known of the candidates' content, and from an older index of files that this run did not meet, sorted by (dev, inode).
 * `gone`: by inode, not 0 for inodes that have no names any more. *records is the caller's to free; NULL when the older index
 * says all of it already (records of files that were not met then grow no older). Returns 0 or ENOMEM.
 */
int index_build(const Tree *tree, const uint8_t *gone, const IndexRecord *old, size_t old_count, IndexRecord **records, size_t *count);
