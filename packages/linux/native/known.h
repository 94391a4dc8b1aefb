#pragma once
#include "tree.h"

/*
 * An earlier scan to start from. Directories in which nothing changed are carried over as they are; the others are read
 * again, and what came or moved is walked as if it were new.
 */
typedef struct {
  const Tree *old;
  /* Root's number (uint32_t), DEPTH_* (char), path or inode number, NUL; as change-watch.h has them. */
  const char *changes;
  size_t changes_length;
  /* From here on known.c's own. */
  uint32_t *slots, slot_count; /* (parent, name) to directory */
  uint8_t *states;             /* by old directory */
  uint32_t *renumbered;        /* old to new */
  uint32_t *origin;            /* new to old */
  uint32_t carried;            /* new directories below this number were carried over */
} Known;

/* Fills `tree` with what is carried over, its guests' counts included. Returns 0 or ENOMEM. */
int known_carry(Known *known, Tree *tree);
/* Whether a directory that was carried over is to be read again. */
bool known_reads(const Known *known, uint32_t dir);
/* Whether this name in it is a directory that was carried over as well. */
bool known_has(const Known *known, uint32_t dir, const char *name);
void known_close(Known *known);
