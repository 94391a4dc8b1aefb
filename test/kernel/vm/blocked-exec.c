/* blocked-exec DIRECTORY SECONDS: a hostile guest. One thread executes a program on a FUSE file system of its own that never
 * answers the read, which keeps everybody from tracing the process; another opens DIRECTORY/hostile for writing and changes
 * its mode all the time. Prints `ready` once the first thread hangs, and how many of the second's calls returned. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include "hanging-fuse.h"

static void *execute(void *unused)
{
	char *const words[] = { HANGING_PROGRAM, NULL };
	execv(words[0], words);
	return unused;
}

static void *change(void *unused)
{
	while (!fuse->hangs) /* no thread can be made by then */
		usleep(1000);
	for (;;) {
		int fd = open("hostile", O_WRONLY);
		if (fd >= 0)
			close(fd);
		chmod("hostile", 0700);
		fuse->returned++;
	}
	return unused;
}

int main(int count, char **arguments)
{
	pid_t server = hanging_fuse(count, arguments);
	pid_t hostile = fork();
	if (hostile == 0) {
		pthread_t thread;
		pthread_create(&thread, NULL, change, NULL);
		pthread_create(&thread, NULL, execute, NULL);
		pause();
	}
	for (int i = 0; i < 3000 && !fuse->hangs; i++)
		usleep(10000);
	if (!fuse->hangs)
		return 4;
	puts("ready");
	fflush(stdout);
	sleep((unsigned)atoi(arguments[2]));
	end_hanging_fuse(hostile, server);
	printf("%d calls returned\n", fuse->returned);
	return 0;
}
