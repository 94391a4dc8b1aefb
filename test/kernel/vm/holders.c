/* holders DIRECTORY PREFIX: the last link to a shared inode is written while another guest, whose own name is gone, still
 * holds the inode by other means than an open file that the kernel counts. DIRECTORY holds g1/f0 …, marked, and the same
 * names under g2/. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static char own[32], other[32], held[64];
static char *mapped;
static int page_pipe[2];

/* Each makes a hold of `other`; `held` is then a path that leads to it. */
static bool by_path_descriptor(void)
{
	int fd = open(other, O_PATH);
	snprintf(held, sizeof(held), "/proc/self/fd/%d", fd);
	return fd >= 0;
}

static bool by_bind_mount(void)
{
	int fd = open("mounted", O_CREAT | O_WRONLY, 0644);
	close(fd);
	strcpy(held, "mounted");
	return unshare(CLONE_NEWNS) == 0 && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 && mount(other, held, NULL, MS_BIND, NULL) == 0;
}

static bool by_overlay(void)
{
	struct stat st;
	mkdir("work", 0755);
	mkdir("low", 0755);
	mkdir("merged", 0755);
	strcpy(held, "merged/");
	strcat(held, strrchr(other, '/') + 1);
	/* The overlay's own name cache holds the file from here on. */
	return mount("overlay", "merged", "overlay", 0, "lowerdir=low,upperdir=g2,workdir=work") == 0 && open(held, O_PATH) >= 0 && stat(held, &st) == 0;
}

static bool by_message(void)
{
	int pair[2], fd = open(other, O_PATH);
	char control[CMSG_SPACE(sizeof(int))] = { 0 }, byte = 0;
	struct iovec vector = { &byte, 1 };
	struct msghdr message = { .msg_iov = &vector, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control) };
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);
	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(header), &fd, sizeof(fd));
	if (socketpair(AF_UNIX, SOCK_DGRAM, 0, pair) || sendmsg(pair[0], &message, 0) < 0)
		return false;
	close(fd);
	snprintf(held, sizeof(held), "%d", pair[1]);
	return true;
}

static bool by_mapping(void)
{
	int fd = open(other, O_RDONLY);
	mapped = mmap(NULL, 20000, PROT_READ, MAP_SHARED, fd, 0);
	close(fd);
	return mapped != MAP_FAILED;
}

/* Pages alone: the descriptor is closed, they stay in the pipe. */
static bool by_pipe(void)
{
	loff_t from = 0;
	int fd = open(other, O_RDONLY);
	if (pipe(page_pipe) || splice(fd, &from, page_pipe[1], NULL, 4096, 0) != 4096)
		return false;
	close(fd);
	return true;
}

static int open_held(void)
{
	if (strchr(held, '/') || *held == 'm')
		return open(held, O_RDONLY);
	/* Still on its way: received only now. */
	int socket = -1, fd = -1;
	char control[CMSG_SPACE(sizeof(int))], byte, path[64];
	struct iovec vector = { &byte, 1 };
	struct msghdr message = { .msg_iov = &vector, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control) };
	if (sscanf(held, "%d", &socket) != 1 || recvmsg(socket, &message, 0) < 0 || !CMSG_FIRSTHDR(&message))
		return -1;
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(fd));
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return open(path, O_RDONLY);
}

static bool keeps_its_bytes(bool (*hold)(void))
{
	char old[100], now[100], *bytes = now;
	mapped = NULL;
	page_pipe[0] = -1;
	int reader = open(own, O_RDONLY);
	if (reader < 0 || pread(reader, old, sizeof(old), 0) != sizeof(old) || close(reader) || !hold() || unlink(other))
		return false;
	memset(now, 'P', sizeof(now));
	int writer = open(own, O_RDWR);
	if (writer < 0 || pwrite(writer, now, sizeof(now), 0) != sizeof(now))
		return false;
	if (mapped)
		bytes = mapped;
	else {
		int fd = page_pipe[0] < 0 ? open_held() : page_pipe[0];
		if (fd < 0 || read(fd, now, sizeof(now)) != sizeof(now))
			return false;
		close(fd);
	}
	close(writer);
	return memcmp(bytes, old, sizeof(old)) == 0;
}

int main(int count, char **arguments)
{
	const struct {
		const char *how;
		bool (*hold)(void);
	} ways[] = {
		{ "by an O_PATH descriptor", by_path_descriptor }, { "by a descriptor in flight", by_message }, { "by a mapping", by_mapping },
		{ "by pages in a pipe", by_pipe }, { "by a mount of the file", by_bind_mount }, { "through an overlay", by_overlay },
	};
	if (count < 3 || chdir(arguments[1]))
		return 2;
	for (unsigned i = 0; i < sizeof(ways) / sizeof(*ways); i++) {
		snprintf(own, sizeof(own), "g1/f%u", i);
		snprintf(other, sizeof(other), "g2/f%u", i);
		errno = 0;
		printf("%sok %s: the last link is not written in place while another guest holds the inode %s # errno %d\n",
		       keeps_its_bytes(ways[i].hold) ? "" : "not ", arguments[2], ways[i].how, errno);
		fflush(stdout);
	}
	umount("merged");
	return 0;
}
