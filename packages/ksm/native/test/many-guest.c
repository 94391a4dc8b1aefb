/*
 * many-guest COUNT: a guest of COUNT processes that do nothing. Prints `ready`; all end at the end of stdin.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

int main(int argc, char **argv) {
	int count = argc > 1 ? atoi(argv[1]) : 0;
	for (int i = 0; i < count; i++) {
		pid_t child = fork();
		if (child < 0) return 1;
		if (child == 0) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			for (;;) pause();
		}
	}
	puts("ready");
	fflush(stdout);
	char byte;
	while (read(0, &byte, 1) == 1) {}
	return 0;
}
