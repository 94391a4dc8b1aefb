/* waiting DIRECTORY: opens DIRECTORY/uring by io_uring and DIRECTORY/traced under a debugger, both for writing and at once:
 * callers that the guard cannot hold, and that wait in its hook for as long as their copies take. */
#define _GNU_SOURCE
#include <stdbool.h>
#include <signal.h>
#include <stdio.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include "uring-open.h"

static int opens(const char *path, int fd)
{
	struct stat st;
	bool ok = fd >= 0 && pwrite(fd, "x", 1, 0) == 1 && stat(path, &st) == 0 && st.st_nlink == 1;
	printf("%s: %s\n", path, ok ? "its own" : strerrorname_np(errno));
	fflush(stdout);
	return !ok;
}

int main(int count, char **arguments)
{
	int status;
	if (count < 2 || chdir(arguments[1]))
		return 2;
	pid_t uring = fork();
	if (uring == 0)
		_exit(opens("uring", uring_open("uring", O_RDWR)));
	pid_t traced = fork();
	if (traced == 0) {
		ptrace(PTRACE_TRACEME, 0, 0, 0);
		raise(SIGSTOP);
		_exit(opens("traced", open("traced", O_RDWR)));
	}
	while (waitpid(traced, &status, 0) == traced && WIFSTOPPED(status))
		ptrace(PTRACE_CONT, traced, 0, 0);
	int failed = !WIFEXITED(status) || WEXITSTATUS(status);
	waitpid(uring, &status, 0);
	return failed || !WIFEXITED(status) || WEXITSTATUS(status);
}
