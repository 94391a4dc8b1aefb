/* hostile DIRECTORY: a guest that wants to change pool/target, of which it has g1/target. It runs in a chroot of
 * g1 where the case asks for it. The caller compares the pool's digest afterwards. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void scribble(int fd)
{
	if (fd >= 0) {
		if (pwrite(fd, "POISON", 6, 0) < 0)
			errno = 0;
		close(fd);
	}
}

static void reopen(void)
{
	char path[64];
	int fd = open("g1/target", O_RDONLY);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	scribble(open(path, O_RDWR));
	scribble(open(path, O_WRONLY | O_TRUNC));
	if (truncate(path, 3) || chmod(path, 0777))
		errno = 0;
	if (linkat(AT_FDCWD, path, AT_FDCWD, "g1/relinked", AT_SYMLINK_FOLLOW) == 0)
		scribble(open("g1/relinked", O_RDWR));
	close(fd);
}

static void by_handle(void)
{
	union {
		struct file_handle handle;
		char room[256];
	} all;
	int mount_id, directory = open(".", O_RDONLY);
	all.handle.handle_bytes = 128;
	if (name_to_handle_at(AT_FDCWD, "g1/target", &all.handle, &mount_id, 0))
		return;
	for (int i = 0; i < 3; i++)
		scribble(open_by_handle_at(directory, &all.handle, O_RDWR | (i == 2 ? O_TRUNC : 0)));
	close(directory);
}

/* XFS opens by handle in an ioctl as well, which never passes file_post_open. */
struct xfs_handle_request {
	__u32 fd;
	void *path;
	__u32 oflags;
	void *ihandle;
	__u32 ihandlen;
	void *ohandle;
	__u32 *ohandlen;
};
#define XFS_IOC_FD_TO_HANDLE _IOWR('X', 106, struct xfs_handle_request)
#define XFS_IOC_OPEN_BY_HANDLE _IOWR('X', 107, struct xfs_handle_request)

static void by_xfs_handle(void)
{
	char handle[64];
	__u32 length = sizeof(handle);
	int fd = open("g1/target", O_RDONLY);
	struct xfs_handle_request to = { .fd = (__u32)fd, .ohandle = handle, .ohandlen = &length };
	if (ioctl(fd, XFS_IOC_FD_TO_HANDLE, &to) == 0) {
		struct xfs_handle_request from = { .oflags = O_RDWR, .ihandle = handle, .ihandlen = length };
		scribble(ioctl(fd, XFS_IOC_OPEN_BY_HANDLE, &from));
	}
	close(fd);
}

static void own_link(void)
{
	if (mkdir("g1/own", 0755) || link("g1/target", "g1/own/mine"))
		return;
	scribble(open("g1/own/mine", O_RDWR));
	if (truncate("g1/own/mine", 1) || chown("g1/own/mine", 1, 1))
		errno = 0;
}

static volatile bool stop;

static void *storm(void *unused)
{
	for (int i = 0; !stop; i++) {
		if (i % 3 == 0) {
			rename("g1/storm/a", "g1/storm/b");
			rename("g1/storm/b", "g1/storm/a");
		} else if (i % 3 == 1) {
			unlink("g1/storm/a");
			if (link("g1/target", "g1/storm/a"))
				errno = 0;
		} else {
			renameat2(AT_FDCWD, "g1/storm", AT_FDCWD, "g1/storm2", RENAME_EXCHANGE);
			if (symlink("../target", "g1/storm/c"))
				errno = 0;
			rename("g1/storm/c", "g1/storm2/a");
			if (link("g1/target", "g1/storm/a"))
				errno = 0;
		}
	}
	return unused;
}

static void rename_storm(void)
{
	pthread_t thread;
	mkdir("g1/storm", 0755);
	mkdir("g1/storm2", 0755);
	pthread_create(&thread, NULL, storm, NULL);
	time_t until = time(NULL) + 2;
	while (time(NULL) < until) {
		scribble(open("g1/storm/a", O_RDWR));
		if (chmod("g1/storm2/a", 0700))
			errno = 0;
	}
	stop = true;
	pthread_join(thread, NULL);
}

static void mounts(void)
{
	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		return;
	/* The file itself as a mount point. */
	int fd = open("g1/mountpoint", O_CREAT | O_WRONLY, 0644);
	close(fd);
	if (mount("g1/target", "g1/mountpoint", NULL, MS_BIND, NULL) == 0) {
		scribble(open("g1/mountpoint", O_RDWR));
		scribble(open("g1/mountpoint", O_RDWR | O_TRUNC));
		if (chmod("g1/mountpoint", 0777) || truncate("g1/mountpoint", 2))
			errno = 0;
	}
	/* An overlay whose writable layer holds the file: the kernel opens it on the overlay's behalf. */
	mkdir("g1/work", 0755);
	mkdir("g1/low", 0755);
	mkdir("g1/merged", 0755);
	mkdir("g1/upper", 0755);
	if (link("pool/target", "g1/upper/target"))
		return;
	if (mount("overlay", "g1/merged", "overlay", 0, "lowerdir=g1/low,upperdir=g1/upper,workdir=g1/work") == 0) {
		scribble(open("g1/merged/target", O_RDWR));
		if (truncate("g1/merged/target", 4) || chmod("g1/merged/target", 0777) || chown("g1/merged/target", 5, 5))
			errno = 0;
		umount("g1/merged");
	} else
		printf("# no overlay: errno %d\n", errno);
}

/* A process that is root in a user namespace of its own, without rights over the file. */
static void user_namespace(void)
{
	if (setgid(1000) || setuid(1000) || unshare(CLONE_NEWUSER | CLONE_NEWNS))
		return;
	scribble(open("g1/target", O_RDWR));
	if (chmod("g1/target", 0777) || truncate("g1/target", 1))
		errno = 0;
}

static void raw_device(void)
{
	struct stat st;
	stat("g1/target", &st);
	mkdir("g1/dev", 0755);
	mknod("g1/dev/disk", S_IFBLK | 0600, st.st_dev);
	if (chroot("g1"))
		return;
	int fd = open("/dev/disk", O_RDWR);
	printf("# raw device: %s\n", fd < 0 ? strerrorname_np(errno) : "opened");
	if (fd >= 0)
		exit(1);
}

/* A lease holds up everybody else's opens. */
static void lease(void)
{
	if (chroot("g1"))
		exit(1);
	int fd = open("/target", O_RDONLY);
	if (fd < 0 || fcntl(fd, F_SETLEASE, F_RDLCK) == 0 || errno != EPERM || fcntl(fd, F_SETLEASE, F_WRLCK) == 0 || errno != EPERM)
		exit(1);
}

static void traced(void)
{
	/* A link to a descriptor that is kept over exec, an O_PATH descriptor, an empty path. */
	int fd = open("g1/target", O_PATH);
	char path[64];
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	scribble(open(path, O_RDWR));
	if (fchmodat(fd, "", 0777, AT_EMPTY_PATH) || fchownat(fd, "", 9, 9, AT_EMPTY_PATH))
		errno = 0;
	close(fd);
}

int main(int count, char **arguments)
{
	const struct {
		const char *name;
		void (*attack)(void);
	} attacks[] = {
		{ "raw-device", raw_device }, { "reopen", reopen }, { "handle", by_handle }, { "xfs-handle", by_xfs_handle },
		{ "own-link", own_link }, { "storm", rename_storm }, { "mounts", mounts }, { "userns", user_namespace }, { "path-descriptor", traced }, { "lease", lease },
	};
	if (count < 3 || chdir(arguments[1]))
		return 2;
	for (unsigned i = 0; i < sizeof(attacks) / sizeof(*attacks); i++)
		if (!strcmp(arguments[2], attacks[i].name))
			attacks[i].attack();
	return 0;
}
