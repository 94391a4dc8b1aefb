/* hammer DIRECTORY ROUNDS: in each round 8 writers in 8 guests open one shared inode at once, each in its own way;
 * each must end with its own file that holds the old bytes and its own write (or the write alone after O_TRUNC),
 * and the pool's inode must not change. Prints how many writes went wrong. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include "uring-open.h"

#define WRITERS 8
#define BYTES 9000

static char directory[256];
static char content[BYTES];
static struct shared {
	pthread_barrier_t start, end;
	int wrong, refused;
	char why[256];
} *shared;

/* How writer `who` reaches its file in this round. */
static int open_own(int who, int round, bool *truncates)
{
	char path[400];
	snprintf(path, sizeof(path), "%s/g%d/f%d", directory, who, round);
	*truncates = false;
	switch (who) {
	case 0: /* this writer lives in a mount namespace of its own */
		return open(path, O_WRONLY | O_APPEND);
	case 1:
		return open(path, O_RDWR);
	case 2:
		*truncates = true;
		return open(path, O_WRONLY | O_TRUNC | O_CREAT, 0644);
	case 3: {
		struct open_how how = { .flags = O_RDWR | O_CREAT, .mode = 0644, .resolve = RESOLVE_NO_MAGICLINKS };
		return (int)syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof(how));
	}
	case 4:
		return uring_open(path, O_RDWR);
	case 5: /* through a symbolic link */
		snprintf(path, sizeof(path), "%s/g5/link%d", directory, round);
		return open(path, O_WRONLY);
	case 6: /* through another bind mount */
		snprintf(path, sizeof(path), "%s/bind6/f%d", directory, round);
		return open(path, O_RDWR);
	default: /* this writer lives in a chroot */
		snprintf(path, sizeof(path), "/f%d", round);
		return open(path, O_RDWR);
	}
}

static void complain(int who, int round, const char *what)
{
	if (__atomic_fetch_add(&shared->wrong, 1, __ATOMIC_RELAXED) == 0)
		snprintf(shared->why, sizeof(shared->why), "writer %d round %d: %s, errno %d", who, round, what, errno);
}

static void write_once(int who, int round)
{
	bool truncates;
	char own[64], found[BYTES + 64];
	snprintf(own, sizeof(own), "writer %d round %d", who, round);
	size_t length = strlen(own);
	int fd = open_own(who, round, &truncates);
	/* Refused is what a write is when the daemon is late: an emulated machine with eight writers starves it for
	 * seconds at times. It must work once the daemon is back; how often it came to that is printed. */
	for (int tries = 0; fd < 0 && errno == EPERM && tries < 100; tries++) {
		__atomic_fetch_add(&shared->refused, 1, __ATOMIC_RELAXED);
		usleep(100000);
		fd = open_own(who, round, &truncates);
	}
	if (fd < 0) {
		complain(who, round, "open failed");
		return;
	}
	off_t at = truncates ? 0 : BYTES;
	if (pwrite(fd, own, length, at) != (ssize_t)length)
		complain(who, round, "write failed");
	struct stat st;
	fstat(fd, &st);
	close(fd);
	if (st.st_nlink != 1)
		complain(who, round, "the file written is shared");
	/* Read back by the guest's own name. */
	char path[400];
	if (who == 7)
		snprintf(path, sizeof(path), "/f%d", round);
	else
		snprintf(path, sizeof(path), "%s/g%d/f%d", directory, who, round);
	fd = open(path, O_RDONLY);
	ssize_t got = read(fd, found, sizeof(found));
	close(fd);
	if (got != (ssize_t)(at + (off_t)length) || memcmp(found + at, own, length) || (!truncates && memcmp(found, content, BYTES)))
		complain(who, round, "the file does not hold the old bytes and the own write");
}

static void prepare(int round)
{
	char pool[400], path[400];
	snprintf(pool, sizeof(pool), "%s/pool/f%d", directory, round);
	int fd = open(pool, O_CREAT | O_WRONLY, 0644);
	if (write(fd, content, BYTES) != BYTES)
		exit(3);
	close(fd);
	for (int who = 0; who < WRITERS; who++) {
		snprintf(path, sizeof(path), "%s/g%d/f%d", directory, who, round);
		if (link(pool, path))
			exit(4);
	}
	snprintf(path, sizeof(path), "%s/g5/link%d", directory, round);
	snprintf(pool, sizeof(pool), "f%d", round);
	if (symlink(pool, path))
		exit(5);
}

int main(int count, char **arguments)
{
	int rounds = count > 2 ? atoi(arguments[2]) : 0;
	char path[400];
	if (!rounds)
		return 2;
	strcpy(directory, arguments[1]);
	memset(content, 'x', BYTES);
	if (count > 3) { /* prepare */
		const char *folders[] = { "pool", "bind6", "g0", "g1", "g2", "g3", "g4", "g5", "g6", "g7" };
		for (unsigned i = 0; i < sizeof(folders) / sizeof(*folders); i++) {
			snprintf(path, sizeof(path), "%s/%s", directory, folders[i]);
			mkdir(path, 0755);
		}
		for (int round = 0; round < rounds; round++)
			prepare(round);
		return 0;
	}
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pthread_barrierattr_t attribute;
	pthread_barrierattr_init(&attribute);
	pthread_barrierattr_setpshared(&attribute, PTHREAD_PROCESS_SHARED);
	pthread_barrier_init(&shared->start, &attribute, WRITERS);
	char from[400];
	snprintf(from, sizeof(from), "%s/g6", directory);
	snprintf(path, sizeof(path), "%s/bind6", directory);
	if (mount(from, path, NULL, MS_BIND, NULL))
		return 6;
	for (int who = 0; who < WRITERS; who++) {
		if (fork())
			continue;
		snprintf(path, sizeof(path), "%s/g7", directory);
		if (who == 0 && unshare(CLONE_NEWNS))
			exit(8);
		if (who == 7 && (chroot(path) || chdir("/")))
			exit(7);
		for (int round = 0; round < rounds; round++) {
			pthread_barrier_wait(&shared->start);
			write_once(who, round);
		}
		exit(0);
	}
	while (wait(NULL) > 0)
		;
	snprintf(path, sizeof(path), "%s/bind6", directory);
	umount(path);
	/* The pool: bytes, size and links of every object. */
	char found[BYTES + 1];
	for (int round = 0; round < rounds; round++) {
		snprintf(path, sizeof(path), "%s/pool/f%d", directory, round);
		int fd = open(path, O_RDONLY);
		struct stat st;
		fstat(fd, &st);
		if (read(fd, found, sizeof(found)) != BYTES || memcmp(found, content, BYTES))
			complain(-1, round, "the pool's object changed");
		if (st.st_nlink != 1)
			complain(-1, round, "a guest still shares");
		close(fd);
	}
	printf("%d wrong%s%s, %d times refused\n", shared->wrong, shared->wrong ? ": " : "", shared->why, shared->refused);
	return shared->wrong != 0;
}
