/* compat DIRECTORY PREFIX: 32-bit system calls on a 64-bit kernel, through int $0x80. DIRECTORY holds marked f0, f1, …, each
 * with a second name s0, s1, …. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static char *low; /* memory that 32-bit pointers reach */

static long call32(long number, long first, long second, long third, long fourth)
{
	long result;
	__asm__ volatile("int $0x80" : "=a"(result) : "a"(number), "b"(first), "c"(second), "d"(third), "S"(fourth) : "memory", "r8", "r9", "r10", "r11");
	return result;
}

static int next;
static const char *prefix;

static void report(const char *what, bool ok, long result)
{
	printf("%sok %s: 32-bit %s # %ld\n", ok ? "" : "not ", prefix, what, result);
	fflush(stdout);
}

static const char *fresh(void)
{
	snprintf(low, 64, "f%d", next++);
	return low;
}

static bool is_broken(void)
{
	char other[64];
	struct stat own, kept;
	snprintf(other, sizeof(other), "s%d", next - 1);
	return stat(low, &own) == 0 && stat(other, &kept) == 0 && own.st_ino != kept.st_ino && (kept.st_mode & 07777) == 0644 && kept.st_uid == 0 && kept.st_size == 5000;
}

static bool is_shared(void)
{
	char other[64];
	struct stat own, kept;
	snprintf(other, sizeof(other), "s%d", next - 1);
	return stat(low, &own) == 0 && stat(other, &kept) == 0 && own.st_ino == kept.st_ino && (kept.st_mode & 07777) == 0644 && kept.st_uid == 0;
}

int main(int count, char **arguments)
{
	if (count < 3 || chdir(arguments[1]))
		return 2;
	prefix = arguments[2];
	low = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	long path = (long)fresh(), result = call32(5, path, O_WRONLY, 0, 0);
	report("open breaks the link", result >= 0 && is_broken(), result);
	fresh();
	result = call32(295, AT_FDCWD, path, O_RDWR | O_APPEND, 0);
	report("openat breaks the link", result >= 0 && is_broken(), result);
	fresh();
	result = call32(15, path, 0700, 0, 0);
	report("chmod breaks the link", result == 0 && is_broken(), result);
	fresh();
	result = call32(212, path, 12, 13, 0);
	report("chown breaks the link", result == 0 && is_broken(), result);
	fresh();
	result = call32(320, AT_FDCWD, path, 0, 0);
	report("utimensat breaks the link", result == 0 && is_broken(), result);
	fresh();
	result = call32(92, path, 10, 0, 0);
	report("truncate breaks the link", result == 0 && is_broken(), result);
	/* Its number is that of a 64-bit call that takes a path. */
	fresh();
	int fd = open(low, O_RDONLY);
	result = call32(94, fd, 0700, 0, 0);
	report("fchmod on a read-only descriptor is refused, and nothing copied", result == -EPERM && is_shared(), result);
	return 0;
}
