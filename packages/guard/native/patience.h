/* How long a guest may make the guard wait: attempts to hold its callers that blocked. Pure: the clock is the caller's. */
#ifndef SAMEPAGE_PATIENCE_H
#define SAMEPAGE_PATIENCE_H

#include <stdbool.h>
#include <linux/types.h>

/* After an attempt that blocked, its process is not tried for this long; its guest neither after two of them. With
 * twice HOLD_PATIENCE_MS each this leaves a guest 10 % of one thread. */
#define PATIENCE_NS 4000000000ULL
#define PATIENCE_ATTEMPTS 2
#define PATIENCE_KEPT 64 /* attempts; more than fit into PATIENCE_NS */

struct patience {
	struct {
		__u64 guest;
		unsigned long long at; /* 0: none */
		int process;
	} lost[PATIENCE_KEPT];
	unsigned next;
};

/* Whether the process may be tried at `now` (ns, of any steady clock). */
bool patience_has(const struct patience *patience, __u64 guest, int process, unsigned long long now);

/* Takes note of an attempt that blocked. */
void patience_lose(struct patience *patience, __u64 guest, int process, unsigned long long now);

#endif
