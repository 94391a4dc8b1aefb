/* blocked-exec DIRECTORY SECONDS: a hostile guest. One thread executes a program on a FUSE file system of its own that never
 * answers the read, which keeps everybody from tracing the process; another opens DIRECTORY/hostile for writing and changes
 * its mode all the time. Prints `ready` once the first thread hangs, and how many of the second's calls returned. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MOUNT "/tmp/fuse"

static struct {
	volatile bool hangs;
	volatile int returned;
} *shared;

static void answer(int device, const struct fuse_in_header *request, int error, const void *data, size_t size)
{
	char message[512];
	const struct fuse_out_header head = { .len = (unsigned)(sizeof(head) + size), .error = error, .unique = request->unique };
	memcpy(message, &head, sizeof(head));
	if (size)
		memcpy(message + sizeof(head), data, size);
	if (write(device, message, head.len) < 0)
		_exit(4);
}

static struct fuse_attr attributes_of(unsigned long node)
{
	return (struct fuse_attr){ .ino = node, .size = 4096, .mode = node == 1 ? S_IFDIR | 0755 : S_IFREG | 0755, .nlink = 1 };
}

static void serve(int device)
{
	static char buffer[1 << 17];
	for (;;) {
		if (read(device, buffer, sizeof(buffer)) < (ssize_t)sizeof(struct fuse_in_header))
			_exit(0);
		const struct fuse_in_header *request = (void *)buffer;
		const struct fuse_init_out init = { .major = 7, .minor = 31, .max_write = 65536 };
		const struct fuse_entry_out entry = { .nodeid = 2, .attr = attributes_of(2), .entry_valid = 1000, .attr_valid = 1000 };
		const struct fuse_attr_out attributes = { .attr = attributes_of(request->nodeid), .attr_valid = 1000 };
		const struct fuse_open_out opened = { .fh = 1 };
		switch (request->opcode) {
		case FUSE_INIT:
			answer(device, request, 0, &init, sizeof(init));
			break;
		case FUSE_LOOKUP:
			answer(device, request, 0, &entry, sizeof(entry));
			break;
		case FUSE_GETATTR:
			answer(device, request, 0, &attributes, sizeof(attributes));
			break;
		case FUSE_OPEN:
			answer(device, request, 0, &opened, sizeof(opened));
			break;
		case FUSE_READ:
			shared->hangs = true; /* and no answer */
			break;
		case FUSE_FORGET: case FUSE_INTERRUPT: case FUSE_BATCH_FORGET:
			break;
		default:
			answer(device, request, -ENOSYS, NULL, 0);
		}
	}
}

static void *execute(void *unused)
{
	char *const words[] = { MOUNT "/program", NULL };
	execv(words[0], words);
	return unused;
}

static void *change(void *unused)
{
	while (!shared->hangs) /* no thread can be made by then */
		usleep(1000);
	for (;;) {
		int fd = open("hostile", O_WRONLY);
		if (fd >= 0)
			close(fd);
		chmod("hostile", 0700);
		shared->returned++;
	}
	return unused;
}

int main(int count, char **arguments)
{
	if (count < 3 || chdir(arguments[1]))
		return 2;
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	char options[128];
	int device = open("/dev/fuse", O_RDWR);
	snprintf(options, sizeof(options), "fd=%d,rootmode=40000,user_id=0,group_id=0", device);
	mkdir(MOUNT, 0755);
	if (device < 0 || mount("hostile", MOUNT, "fuse", 0, options)) {
		perror(MOUNT);
		return 3;
	}
	pid_t server = fork();
	if (server == 0)
		serve(device);
	close(device); /* so that the server's end is the file system's */
	pid_t hostile = fork();
	if (hostile == 0) {
		pthread_t thread;
		pthread_create(&thread, NULL, change, NULL);
		pthread_create(&thread, NULL, execute, NULL);
		pause();
	}
	for (int i = 0; i < 3000 && !shared->hangs; i++)
		usleep(10000);
	if (!shared->hangs)
		return 4;
	puts("ready");
	fflush(stdout);
	sleep((unsigned)atoi(arguments[2]));
	kill(hostile, SIGKILL);
	kill(server, SIGKILL); /* ends the read */
	while (wait(NULL) > 0)
		;
	umount(MOUNT);
	printf("%d calls returned\n", shared->returned);
	return 0;
}
