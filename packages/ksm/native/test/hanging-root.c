/*
 * hanging-root DIRECTORY: a guest whose root directory is a FUSE file system of its own, mounted at DIRECTORY where nobody
 * else sees it, that never says what the directory is. Prints `ready` and ends at the end of stdin.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <unistd.h>

static void serve(int device) {
	static char buffer[1 << 17];
	for (;;) {
		if (read(device, buffer, sizeof buffer) < (ssize_t)sizeof(struct fuse_in_header)) _exit(0);
		const struct fuse_in_header *request = (void *)buffer;
		struct {
			struct fuse_out_header head;
			struct fuse_init_out init;
		} reply = {{sizeof reply, 0, request->unique}, {.major = 7, .minor = 31, .max_write = 65536}};
		if (request->opcode == FUSE_GETATTR) continue;
		if (request->opcode != FUSE_INIT) {
			reply.head.len = sizeof reply.head;
			reply.head.error = -ENOSYS;
		}
		if (write(device, &reply, reply.head.len) < 0) _exit(1);
	}
}

int main(int argc, char **argv) {
	if (argc < 2) return 2;
	char options[128], byte;
	int device = open("/dev/fuse", O_RDWR);
	snprintf(options, sizeof options, "fd=%d,rootmode=40000,user_id=0,group_id=0", device);
	if (device < 0 || unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) || mount("hostile", argv[1], "fuse", 0, options)) return 1;
	if (fork() == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		serve(device);
	}
	close(device); /* so that the server's end is the file system's */
	if (chroot(argv[1])) return 1;
	puts("ready");
	fflush(stdout);
	while (read(0, &byte, 1) == 1) {}
	return 0;
}
