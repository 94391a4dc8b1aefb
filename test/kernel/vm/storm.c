/* storm DIRECTORY breaks|notes: a guest (in a pid namespace of its own) that gives the guard as much to do as it can, until
 * it is killed. `breaks`: 64 threads that each link DIRECTORY/pool/file to a name of their own, open it for writing and
 * remove it. `notes`: two threads that ask for attributes of DIRECTORY/alone*, whose other links are gone, and which they
 * hold open so that they stay marked. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <signal.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

static void *breaks(void *argument)
{
	char name[64];
	for (unsigned long round = 0;; round++) {
		snprintf(name, sizeof(name), "storm%ld-%lu", (long)argument, round);
		if (link("pool/file", name))
			return NULL;
		int fd = open(name, O_WRONLY);
		if (fd >= 0)
			close(fd);
		unlink(name);
	}
}

static void *notes(void *unused)
{
	int files[512], count = 0;
	DIR *directory = opendir(".");
	for (struct dirent *entry; (entry = readdir(directory)) && count < 512;)
		if (!strncmp(entry->d_name, "alone", 5))
			files[count++] = open(entry->d_name, O_RDONLY);
	for (int i = 0; count; i = (i + 1) % count)
		if (fsetxattr(files[i], "user.x", "y", 1, 0) == 0)
			fprintf(stderr, "an attribute was set\n");
	return unused;
}

int main(int count, char **arguments)
{
	if (count < 3 || chdir(arguments[1]) || unshare(CLONE_NEWPID))
		return 2;
	pid_t guest = fork();
	if (guest) {
		waitpid(guest, NULL, 0);
		return 0;
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	int is_breaks = !strcmp(arguments[2], "breaks"), threads = is_breaks ? 64 : 2;
	for (long i = 0; i < threads; i++) {
		pthread_t thread;
		if (pthread_create(&thread, NULL, is_breaks ? breaks : notes, (void *)i))
			return 3;
	}
	pause();
	return 0;
}
