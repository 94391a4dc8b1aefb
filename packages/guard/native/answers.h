/* What the daemon tells callers in the hooks, by thread. */
#ifndef SAMEPAGE_ANSWERS_H
#define SAMEPAGE_ANSWERS_H

#include "guard-abi.h"

/* Takes over the map, empty: what another daemon left in it is for nobody, its callers have given up. */
void answers_start(int map);

/* Writes a caller's answer. */
void answer(const struct guard_event *event, __u32 state, int error);

/* Ends a caller's wait in its hook with a verdict, unless it was killed meanwhile: its hook took the answer along. */
void answer_waiting(const struct guard_event *event, int error);

/* Removes what no caller fetched in time (it was killed, or its path leads elsewhere now), so that it never fills the map.
 * Who waits for a copy is never removed: its verdict follows, however long the copy takes. */
void answers_sweep(void);

#endif
