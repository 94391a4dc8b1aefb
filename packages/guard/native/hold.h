/* The hold: whoever is about to change a shared inode is taken back out of its system call and sleeps in a ptrace
 * stop while the link is broken. Let go, it starts the call again and walks to its private copy. No signal is
 * involved, nobody's wait() sees it, and the death of this process lets everybody go.
 *
 * A tracee belongs to one thread, and making one can block (PTRACE_SEIZE waits for an execve of the same process, which
 * may read from a file system of the guest's own). So a few threads do nothing else, guests are spread over them, an
 * attempt ends after HOLD_PATIENCE_MS, and a guest that made attempts end that way is not tried for a while. */
#ifndef SAMEPAGE_HOLD_H
#define SAMEPAGE_HOLD_H

#include <stdbool.h>
#include "guard-abi.h"

#define HOLD_PATIENCE_MS 100 /* an attempt takes microseconds */

/* Told in a thread of the hold what became of an event: `held` is false when the caller cannot be held (a debugger has
 * it, too many are held, its process or guest made attempts block). */
typedef void (*hold_result)(const struct guard_event *event, bool held);

/* Call before other threads are started (signals are blocked for all of them). 0, or -1 with errno. */
int hold_start(hold_result tell);

/* To poll for reading; hold_notice when it is ready. */
int hold_descriptor(void);

/* Callers stopped or ended. Never blocks. */
void hold_notice(void);

/* Has the event's caller stop on its way to user mode; the answer goes to `tell`. Never blocks. False when too many of
 * its guest, or altogether, wait for that. */
bool hold_ask(const struct guard_event *event);

/* Any thread: lets it go on, as soon as it has stopped. */
void hold_release(int thread);

/* Any thread: true once it stands still, so that its file descriptors and counts are at rest; false after a second
 * (a frozen control group) or when it is no more. */
bool hold_wait_for_stop(int thread);

/* Whether every thread of the hold went round lately. */
bool hold_makes_progress(void);

#endif
