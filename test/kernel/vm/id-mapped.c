/* id-mapped DIRECTORY PREFIX: root of an unprivileged container whose tree belongs to the host's root and is shown to it
 * through an id-mapped mount. DIRECTORY holds marked f0, f1, …, each with a second name s0, s1, …. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define FIRST 100000

static const char *prefix;
static int tree;

static void report(const char *what, bool ok)
{
	printf("%sok %s: root of an id-mapped container: %s # errno %d\n", ok ? "" : "not ", prefix, what, ok ? 0 : errno);
	fflush(stdout);
}

static bool is_broken(const char *name, const char *other)
{
	struct stat own, kept;
	return fstatat(tree, name, &own, 0) == 0 && fstatat(tree, other, &kept, 0) == 0 && own.st_ino != kept.st_ino && (kept.st_mode & 07777) == 0644;
}

static bool put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);
	bool ok = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
	close(fd);
	return ok;
}

int main(int count, char **arguments)
{
	int done[2];
	char byte, path[64], map[64];
	if (count < 3 || pipe(done))
		return 2;
	prefix = arguments[2];
	pid_t container = fork();
	if (container == 0) {
		close(done[0]);
		if (unshare(CLONE_NEWUSER) || write(done[1], "u", 1) < 0)
			_exit(3);
		pause(); /* keeps the namespace */
	}
	close(done[1]);
	if (read(done[0], &byte, 1) != 1)
		return 3;
	snprintf(map, sizeof(map), "0 %d 65536", FIRST);
	snprintf(path, sizeof(path), "/proc/%d/uid_map", container);
	bool mapped = put(path, map);
	snprintf(path, sizeof(path), "/proc/%d/gid_map", container);
	mapped = mapped && put(path, map);
	snprintf(path, sizeof(path), "/proc/%d/ns/user", container);
	int userns = open(path, O_RDONLY);
	tree = (int)syscall(SYS_open_tree, AT_FDCWD, arguments[1], OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	const struct mount_attr attribute = { .attr_set = MOUNT_ATTR_IDMAP, .userns_fd = (unsigned long long)userns };
	mkdir("/tmp/id-mapped", 0755);
	if (!mapped || tree < 0 || syscall(SYS_mount_setattr, tree, "", AT_EMPTY_PATH, &attribute, sizeof(attribute)) ||
	    syscall(SYS_move_mount, tree, "", AT_FDCWD, "/tmp/id-mapped", MOVE_MOUNT_F_EMPTY_PATH)) {
		perror("id-mapped mount");
		return 4;
	}
	pid_t inside = fork();
	if (inside == 0) {
		if (setns(userns, CLONE_NEWUSER) || setgid(0) || setuid(0) || chdir("/tmp/id-mapped"))
			_exit(5);
		tree = open(".", O_RDONLY | O_DIRECTORY);
		report("chmod breaks the link", chmod("f0", 0700) == 0 && is_broken("f0", "s0"));
		report("chown breaks the link", chown("f1", 12, 13) == 0 && is_broken("f1", "s1"));
		const struct timespec times[2] = { { 1000000000, 0 }, { 1000000000, 0 } };
		report("utimensat breaks the link", utimensat(AT_FDCWD, "f2", times, 0) == 0 && is_broken("f2", "s2"));
		report("an open breaks the link", open("f3", O_WRONLY) >= 0 && is_broken("f3", "s3"));
		struct stat st;
		report("the copy belongs to it", stat("f0", &st) == 0 && st.st_uid == 0 && st.st_gid == 0);
		errno = 0;
		bool refused = setuid(33) == 0 && chmod("f4", 0700) < 0 && errno == EPERM;
		report("for others of its users nothing is copied", refused && stat("f4", &st) == 0 && st.st_nlink == 2);
		_exit(0);
	}
	waitpid(inside, NULL, 0);
	kill(container, SIGKILL);
	waitpid(container, NULL, 0);
	close(tree); /* is the mount */
	if (umount("/tmp/id-mapped"))
		perror("/tmp/id-mapped");
	return 0;
}
