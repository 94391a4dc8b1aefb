/* A file system of a hostile guest: one program, whose content it never sends. */
#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define HANGING_MOUNT "/tmp/fuse"
#define HANGING_PROGRAM HANGING_MOUNT "/program"

static struct {
	volatile bool hangs; /* somebody waits for the content */
	volatile int returned;
} *fuse;

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
			fuse->hangs = true; /* and no answer */
			break;
		case FUSE_FORGET: case FUSE_INTERRUPT: case FUSE_BATCH_FORGET:
			break;
		default:
			answer(device, request, -ENOSYS, NULL, 0);
		}
	}
}

/* Goes to the DIRECTORY that a guest's program was told (DIRECTORY SECONDS), and mounts it. Returns its server's process,
 * which ends every wait with its own end; ends the program where there is no directory, or no FUSE. */
static pid_t hanging_fuse(int count, char **arguments)
{
	if (count < 3 || chdir(arguments[1]))
		exit(2);
	fuse = mmap(NULL, sizeof(*fuse), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	char options[128];
	int device = open("/dev/fuse", O_RDWR);
	snprintf(options, sizeof(options), "fd=%d,rootmode=40000,user_id=0,group_id=0", device);
	mkdir(HANGING_MOUNT, 0755);
	if (device < 0 || mount("hostile", HANGING_MOUNT, "fuse", 0, options)) {
		perror(HANGING_MOUNT);
		exit(3);
	}
	pid_t server = fork();
	if (server < 0)
		exit(3);
	if (server == 0)
		serve(device);
	close(device); /* so that the server's end is the file system's */
	return server;
}

/* Ends who hangs, and the server, which ends every wait for it. */
static void end_hanging_fuse(pid_t hostile, pid_t server)
{
	kill(hostile, SIGKILL);
	kill(server, SIGKILL);
	while (wait(NULL) > 0)
		;
	umount(HANGING_MOUNT);
}
