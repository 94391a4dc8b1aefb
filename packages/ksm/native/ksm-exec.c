/*
 * ksm-exec CMD [ARG...]: opts itself in to KSM, then becomes CMD.
 *
 * The opt-in belongs to the address space's flags: inherited over fork and, from Linux 6.7, over exec. On 6.4-6.6 the
 * exec drops it; KSM_PRELOAD (the path of libksm-preload.so) then carries it into dynamically linked programs.
 * It needs no privilege. Exit status: CMD's own; 125 the kernel refused, 126 CMD cannot run, 127 CMD not found, 2 usage.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "ksm.h"

/* Puts the shim first, keeping what the caller preloads already. */
static int preload(const char *shim) {
	const char *old = getenv("LD_PRELOAD");
	char *joined;
	int made = old && *old ? asprintf(&joined, "%s:%s", shim, old) : asprintf(&joined, "%s", shim);
	if (made < 0) return -1;
	int rc = setenv("LD_PRELOAD", joined, 1);
	free(joined);
	return rc;
}

int main(int argc, char **argv) {
	if (argc < 2) {
		fprintf(stderr, "usage: ksm-exec CMD [ARG...]\n");
		return 2;
	}
	const char *shim = getenv("KSM_PRELOAD");
	/* The last three arguments must be zero: the kernel answers EINVAL otherwise. */
	if (prctl(KSM_PR_SET_MEMORY_MERGE, 1, 0, 0, 0) != 0 && !(shim && *shim)) {
		fprintf(stderr, "ksm-exec: the kernel refused the opt-in: %s (%s)\n", strerror(errno),
			errno == EINVAL ? "it needs Linux 6.4 with CONFIG_KSM; below that use the preload shim"
					: "a seccomp filter keeps this process out of KSM");
		return 125;
	}
	if (shim && *shim && preload(shim) != 0) {
		perror("ksm-exec: LD_PRELOAD");
		return 125;
	}
	execvp(argv[1], argv + 1);
	fprintf(stderr, "ksm-exec: %s: %s\n", argv[1], strerror(errno));
	return errno == ENOENT ? 127 : 126;
}
