/* semantics DIRECTORY PREFIX: every row of the table of a copy-on-write link's kernel semantics, one test each.
 * DIRECTORY holds pool/ (shared inodes f00, f01, …, marked) and the same names under g1/ and g2/. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

static const char *prefix;
static int next;
static char own[64], other[64], pool[64];
static struct stat before;

static void report(const char *name, bool ok, const char *why)
{
	printf("%sok %s: %s # %s errno %d\n", ok ? "" : "not ", prefix, name, why, ok ? 0 : errno);
	fflush(stdout);
}

static void fresh(void)
{
	snprintf(own, sizeof(own), "g1/f%02d", next);
	snprintf(other, sizeof(other), "g2/f%02d", next);
	snprintf(pool, sizeof(pool), "pool/f%02d", next++);
	stat(pool, &before);
	errno = 0;
}

/* Size, mode, owner and mtime of the shared inode are as they were. */
static bool untouched(const char *path)
{
	struct stat now;
	return stat(path, &now) == 0 && now.st_ino == before.st_ino && now.st_size == before.st_size && now.st_mode == before.st_mode &&
	       now.st_uid == before.st_uid && now.st_mtim.tv_sec == before.st_mtim.tv_sec;
}

static bool is_private(void)
{
	struct stat now;
	return stat(own, &now) == 0 && now.st_ino != before.st_ino && now.st_nlink == 1 && untouched(other) && untouched(pool);
}

static bool is_shared(void)
{
	return untouched(own) && untouched(other) && untouched(pool);
}

static void opens(const char *name, int flags)
{
	fresh();
	int fd = open(own, flags, 0644);
	bool ok = fd >= 0 && is_private();
	if (ok && !(flags & O_TRUNC)) {
		struct stat now;
		fstat(fd, &now);
		ok = now.st_size == before.st_size && now.st_mode == before.st_mode && now.st_mtim.tv_nsec == before.st_mtim.tv_nsec;
	}
	if (fd >= 0)
		close(fd);
	report(name, ok, "break");
}

static void by_path(const char *name, int result, bool (*took)(const struct stat *))
{
	struct stat now;
	report(name, result == 0 && stat(own, &now) == 0 && took(&now) && is_private(), "break");
}

static bool has_mode(const struct stat *st)
{
	return (st->st_mode & 07777) == 0700;
}

static bool has_owner(const struct stat *st)
{
	return st->st_uid == 12 && st->st_gid == 13;
}

static bool has_time(const struct stat *st)
{
	return st->st_mtime == 1000000000;
}

static bool is_recent(const struct stat *st)
{
	return st->st_mtime > before.st_mtime;
}

static bool is_short(const struct stat *st)
{
	return st->st_size == 10;
}

static void refused(const char *name, int result)
{
	bool ok = result < 0 && errno == EPERM && is_shared();
	report(name, ok, "EPERM");
}

/* What `child` does when it is traced from its start to its end; its exit status, or -1. */
static int under_debugger(int (*act)(void))
{
	int status;
	pid_t child = fork();
	if (child == 0) {
		ptrace(PTRACE_TRACEME, 0, 0, 0);
		raise(SIGSTOP);
		_exit(act());
	}
	while (waitpid(child, &status, 0) == child && WIFSTOPPED(status))
		ptrace(PTRACE_CONT, child, 0, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int write_one(void)
{
	int fd = open(own, O_RDWR);
	return fd < 0 ? errno : pwrite(fd, "x", 1, 0) == 1 ? 0 : 1;
}

static int change_mode(void)
{
	return chmod(own, 0700) ? errno : 0;
}

static volatile sig_atomic_t signals;

static void on_signal(int number)
{
	(void)number;
	signals++;
}

/* Breaks links while another process sends signals as fast as it can. */
static bool breaks_under_signals(void)
{
	const struct sigaction action = { .sa_handler = on_signal }; /* no SA_RESTART: an interrupted call would show */
	sigaction(SIGUSR1, &action, NULL);
	pid_t self = getpid(), sender = fork();
	if (sender == 0)
		for (;;) {
			kill(self, SIGUSR1);
			usleep(200);
		}
	bool ok = true;
	for (int i = 0; i < 3; i++) {
		fresh();
		ok = ok && write_one() == 0 && is_private();
		fresh();
		ok = ok && change_mode() == 0 && is_private();
	}
	kill(sender, SIGKILL);
	while (waitpid(sender, NULL, 0) < 0 && errno == EINTR)
		;
	return ok && signals > 0;
}

int main(int count, char **arguments)
{
	if (count < 3 || chdir(arguments[1]))
		return 2;
	prefix = arguments[2];
	struct stat st;
	int fd;

	opens("open O_WRONLY breaks the link", O_WRONLY);
	opens("open O_RDWR breaks the link", O_RDWR);
	opens("open O_APPEND breaks the link", O_WRONLY | O_APPEND);
	opens("open O_TRUNC breaks the link", O_WRONLY | O_TRUNC);
	opens("open O_RDONLY|O_TRUNC breaks the link", O_RDONLY | O_TRUNC);
	opens("open O_CREAT breaks the link", O_RDWR | O_CREAT);
	opens("open for ioctl only (access mode 3) breaks the link", 3);

	fresh();
	by_path("chmod by path breaks the link", chmod(own, 0700), has_mode);
	fresh();
	by_path("chown by path breaks the link", chown(own, 12, 13), has_owner);
	fresh();
	by_path("lchown by path breaks the link", lchown(own, 12, 13), has_owner);
	fresh();
	struct timeval times[2] = { { 1000000000, 0 }, { 1000000000, 0 } };
	by_path("utimes by path breaks the link", utimes(own, times), has_time);
	fresh();
	by_path("utimensat with the current time breaks the link", utimensat(AT_FDCWD, own, NULL, 0), is_recent);
	fresh();
	by_path("truncate by path breaks the link", truncate(own, 10), is_short);

	fresh();
	fd = open(own, O_RDONLY);
	refused("fchmod on a read-only descriptor is refused", fchmod(fd, 0700));
	refused("fchown on a read-only descriptor is refused", fchown(fd, 1, 1));
	struct timespec precise[2] = { { 1, 0 }, { 1, 0 } };
	refused("futimens on a read-only descriptor is refused", futimens(fd, precise));
	refused("setxattr is refused", setxattr(own, "user.x", "y", 1, 0));
	refused("fsetxattr on a read-only descriptor is refused", fsetxattr(fd, "user.x", "y", 1, 0));
	refused("removexattr is refused", removexattr(own, "user.kept"));
	const char acl[] = { 2, 0, 0, 0, 1, 0, 7, 0, -1, -1, -1, -1, 4, 0, 5, 0, -1, -1, -1, -1, 32, 0, 5, 0, -1, -1, -1, -1 };
	refused("setting an ACL is refused", setxattr(own, "system.posix_acl_access", acl, sizeof(acl), 0));
	int flags = FS_NODUMP_FL;
	refused("chattr is refused", ioctl(fd, FS_IOC_SETFLAGS, &flags));
	struct fsxattr extended = { 0 };
	ioctl(fd, FS_IOC_FSGETXATTR, &extended);
	refused("FS_IOC_FSSETXATTR is refused", ioctl(fd, FS_IOC_FSSETXATTR, &extended));
	refused("fchownat with AT_EMPTY_PATH is refused", fchownat(fd, "", 1, 1, AT_EMPTY_PATH));
	close(fd);

	fresh();
	fd = open(own, O_RDONLY);
	report("a shared writable mapping of a read-only descriptor is refused",
	       mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED && is_shared(), "EACCES");
	char *old = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
	char first = old[0];
	int writer = open(own, O_RDWR);
	char changed = (char)~first;
	bool ok = writer >= 0 && pwrite(writer, &changed, 1, 0) == 1 && old[0] == first && is_private();
	report("a mapping made before the break keeps the old inode's bytes", ok, "mmap");
	close(fd);
	close(writer);

	fresh();
	report("link is free and shares", link(own, "g1/linked") == 0 && stat("g1/linked", &st) == 0 && st.st_ino == before.st_ino, "link");
	report("unlink touches that name only", unlink("g1/linked") == 0 && untouched(own) && untouched(pool), "unlink");
	report("rename touches that name only", rename(own, "g1/renamed") == 0 && untouched("g1/renamed") && untouched(other), "rename");
	fresh();
	fd = open("g1/new", O_CREAT | O_WRONLY, 0644);
	report("rename over a shared name replaces that name only",
	       write(fd, "new", 3) == 3 && rename("g1/new", own) == 0 && stat(own, &st) == 0 && st.st_size == 3 && untouched(other), "rename");
	close(fd);

	fresh();
	report("an open by a process under a debugger breaks the link", (errno = under_debugger(write_one)) == 0 && is_private(), "break");
	fresh();
	report("chmod by a process under a debugger is refused", under_debugger(change_mode) == EPERM && is_shared(), "EPERM");
	report("signals that arrive while the link is broken reach their handler, and no call is interrupted", breaks_under_signals(), "break");

	return 0;
}
