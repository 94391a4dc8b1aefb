/*
 * libksm-preload.so: opts a dynamically linked program in to KSM from the inside (Linux 6.4 and later).
 *
 * One prctl in a constructor covers the whole address space; nothing is interposed. Needed where exec drops the
 * inherited opt-in (6.4-6.6) or where only the environment of a program can be set. Static and setuid programs never
 * load it. EPERM means that a filter keeps this guest out, and is obeyed; the caller verifies through ksm_stat.
 */
#include <errno.h>
#include <sys/prctl.h>

#include "ksm.h"

__attribute__((constructor)) static void opt_in(void) {
	int saved = errno;
	prctl(KSM_PR_SET_MEMORY_MERGE, 1, 0, 0, 0);
	errno = saved; /* the program must see the errno that it would have seen */
}
