/* raw WHAT PATH [ROOT]: opens PATH for writing (`open`), cuts it (`truncate`), or through a descriptor for reading sends the
 * disk behind it a raw command (`command`), asks for another partition (`partition`) or write protection (`read-only`), all
 * without an argument that could do harm; inside ROOT where that is given. Exit status 0: it was let through; 3: EPERM;
 * 1: another error. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/blkpg.h>
#include <linux/fs.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define SG_IO 0x2285

int main(int count, char **arguments)
{
	int result;
	if (count < 3 || (count > 3 && (chroot(arguments[3]) || chdir("/"))))
		return 2;
	if (!strcmp(arguments[1], "open"))
		result = open(arguments[2], O_RDWR);
	else if (!strcmp(arguments[1], "truncate"))
		result = truncate(arguments[2], 4096);
	else {
		int fd = open(arguments[2], O_RDONLY);
		result = ioctl(fd, !strcmp(arguments[1], "partition") ? BLKPG : !strcmp(arguments[1], "read-only") ? BLKROSET : SG_IO, NULL);
	}
	printf("%s %s: %s\n", arguments[1], arguments[2], result < 0 ? strerrorname_np(errno) : "let through");
	return result >= 0 ? 0 : errno == EPERM ? 3 : 1;
}
