/*
 * high-exec CMD [ARG...]: opts in as ksm-exec does, with a bit set that the kernel does not look at: the option is an int,
 * the register is twice as wide. A filter that compares all of it lets this pass. Exit status: CMD's own; 1 refused.
 */
#define _GNU_SOURCE
#include <sys/syscall.h>
#include <unistd.h>

#include "../ksm.h"

int main(int argc, char **argv) {
	if (argc < 2) return 2;
	if (syscall(SYS_prctl, (1UL << 32) | KSM_PR_SET_MEMORY_MERGE, 1UL, 0UL, 0UL, 0UL) != 0) return 1;
	execv(argv[1], argv + 1);
	return 1;
}
