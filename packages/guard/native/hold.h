/* The hold: whoever is about to change a shared inode is taken back out of its system call and sleeps in a ptrace
 * stop while the link is broken. Let go, it starts the call again and walks to its private copy. No signal is
 * involved, nobody's wait() sees it, and the death of this process lets everybody go.
 *
 * A tracee belongs to one thread: everything but hold_release and hold_wait_for_stop is the main thread's. */
#ifndef SAMEPAGE_HOLD_H
#define SAMEPAGE_HOLD_H

#include <stdbool.h>

/* Call before threads are started (SIGCHLD is blocked). 0, or -1 with errno. */
int hold_start(void);

/* Descriptors to poll for reading; hold_collect when one is ready. */
#define HOLD_DESCRIPTORS 2
void hold_descriptors(int descriptors[HOLD_DESCRIPTORS]);

/* Has the thread stop on its way to user mode. False when it cannot be: a debugger has it, or too many are held. */
bool hold_take(int thread);

/* Any thread: lets it go on, as soon as it has stopped. */
void hold_release(int thread);

/* Any thread: true once it stands still, so that its file descriptors and counts are at rest; false after a second
 * (a frozen control group) or when it is no more. */
bool hold_wait_for_stop(int thread);

/* Takes note of stops and ends, lets go whoever was released. */
void hold_collect(void);

#endif
