/* The hold: an opener sleeps in fanotify's open permission event while its link is broken. An inode is watched
 * only while somebody waits on it, since watching makes its readers ask the daemon as well. */
#ifndef SAMEPAGE_HOLD_H
#define SAMEPAGE_HOLD_H

#include "guard-abi.h"

/* Returns fanotify's descriptor, or -1 with errno. */
int hold_start(void);

/* Watches the event's inode and remembers who is to come. 0, or an errno. */
int hold_expect(const struct guard_event *event);

/* Reads permission events: whoever is expected becomes a job of the workers, everybody else goes on at once. */
void hold_read(void);

/* Lets an opener go on, closes the descriptor, and stops watching when nobody else waits on the inode. */
void hold_release(const struct guard_event *event, int descriptor);

/* Forgets openers that never came (killed between the two hooks). */
void hold_expire(void);

#endif
