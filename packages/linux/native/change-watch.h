#pragma once
#include <stddef.h>
#include <stdint.h>

/* A file system's changes from now on, noted by a thread of their own: every mount namespace, bind mount and chroot. */
typedef struct ChangeWatch ChangeWatch;

/*
 * `directory`: any on the file system, on btrfs one outside its subvolumes (EXDEV otherwise). `limit`: bytes of notes.
 * Needs CAP_SYS_ADMIN and Linux 5.9. Returns 0 or an errno.
 */
int change_watch_open(int directory, size_t limit, ChangeWatch **watch);
void change_watch_close(ChangeWatch *watch);

enum { CHANGES_COMPLETE, CHANGES_LOST, CHANGES_UNMOUNTED };

typedef struct {
  int state; /* one of the above; there are entries with the first only */
  /* Each: root's number (uint32_t), DEPTH_* (char), path from the root with a leading slash, NUL. With DEPTH_NONE the text
   * is an inode number: a file that changed (its link count, as a rule) under a name that nobody said. */
  char *entries;
  size_t length;
} Changes;

/* What changed below the roots (open directories) since the last call, by the names it has now. Returns 0 or ENOMEM; `changes` is to be freed. */
int change_watch_take(ChangeWatch *watch, const int32_t *roots, size_t root_count, Changes *changes);
