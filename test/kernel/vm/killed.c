/* killed DIRECTORY COUNT: COUNT processes are killed while the guard holds them, or just before or after. DIRECTORY/pool/file
 * is marked. Every one must be reaped by its parent; prints how many were killed in the stop. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static char state_of(pid_t pid)
{
	char path[64], text[256] = "";
	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	int fd = open(path, O_RDONLY);
	ssize_t got = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);
	close(fd);
	text[got < 0 ? 0 : got] = 0;
	char *after = strrchr(text, ')');
	return after ? after[2] : 0;
}

static bool is_reaped(pid_t pid)
{
	for (int i = 0; i < 20000; i++) {
		if (waitpid(pid, NULL, WNOHANG) == pid)
			return true;
		usleep(1000);
	}
	return false;
}

int main(int count, char **arguments)
{
	int rounds = count > 2 ? atoi(arguments[2]) : 0, in_stop = 0;
	if (!rounds || chdir(arguments[1]))
		return 2;
	for (int round = 0; round < rounds; round++) {
		char name[64];
		snprintf(name, sizeof(name), "killed%d", round);
		if (link("pool/file", name))
			return 3;
		pid_t child = fork();
		if (child == 0) {
			int fd = round & 1 ? open(name, O_WRONLY) : chmod(name, 0700);
			_exit(fd < 0);
		}
		char state = 0;
		if (round % 4 != 3)
			while ((state = state_of(child)) && state != 't' && state != 'Z')
				;
		in_stop += state == 't';
		kill(child, SIGKILL);
		if (!is_reaped(child)) {
			printf("process %d of %d stays in state %c\n", round, rounds, state_of(child));
			return 1;
		}
		unlink(name);
	}
	printf("%d killed, %d of them in the stop\n", rounds, in_stop);
	return in_stop < rounds / 4;
}
