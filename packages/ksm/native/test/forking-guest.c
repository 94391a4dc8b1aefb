/*
 * forking-guest COUNT: a guest that an enrolment has to chase. COUNT chains of processes, each of which lives for 50
 * milliseconds, as in a guest that runs shell scripts, and hands over to a child forked before it ends. Prints `ready`; all end when the first process does.
 */
#include <stdio.h>
#include <stdlib.h>
#include <signal.h>
#include <unistd.h>

int main(int argc, char **argv) {
	int count = argc > 1 ? atoi(argv[1]) : 1;
	signal(SIGCHLD, SIG_IGN);
	for (int i = 0; i < count; i++)
		if (fork() == 0)
			for (;;) {
				usleep(50000);
				if (fork() != 0) _exit(0);
			}
	puts("ready");
	fflush(stdout);
	char byte;
	while (read(0, &byte, 1) == 1) {}
	return 0;
}
