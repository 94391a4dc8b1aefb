#pragma once
#include <stdbool.h>
#include <stdint.h>

/* How a file is stored. */
typedef struct {
  uint64_t place;        /* hash of where its extents lie: equal for files that share all of them */
  uint64_t exclusive;    /* bytes on disk that no other file holds; of content inside the inode its length, in blocks of 512 */
  bool shareable;        /* false when content lies inside the inode, or where is not known yet */
} Extents;

/* FIEMAP of an open file, written back first. Returns 0 or an errno. */
int extents_read(int fd, Extents *extents);
