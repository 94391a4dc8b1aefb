/*
 * ksm-unmerge RUN_FILE: writes 2 to it, which gives every process its private pages back.
 *
 * The kernel does all of it inside this write(2) and marks the writer as the first to die when memory runs out, so the
 * writer must be a process nobody misses: this one. Signals are blocked because an interrupted unmerge leaves run=0
 * with part of the pages still merged. The caller has checked that memory suffices.
 * Exit status: 0 all unmerged, 1 the kernel gave up (run reads 0; errno on stderr), 2 usage.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int main(int argc, char **argv) {
	if (argc != 2) {
		fprintf(stderr, "usage: ksm-unmerge /sys/kernel/mm/ksm/run\n");
		return 2;
	}
	sigset_t all;
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, NULL);
	int fd = open(argv[1], O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, "2", 1) != 1) {
		fprintf(stderr, "%s\n", strerror(errno));
		return 1;
	}
	return 0;
}
