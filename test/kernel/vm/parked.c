/* parked DIRECTORY SECONDS: a hostile guest that changes the mode of DIRECTORY/hostile with its stack pointer in a page that
 * never comes: whoever reads it while the inode is locked locks it for as long as this runs. Prints `ready` when it is
 * about to, and at the end whether the call returned. */
#define _GNU_SOURCE
#include <stdlib.h>
#include <sys/syscall.h>
#include "hanging-fuse.h"

static long chmod_with_stack(const char *path, long mode, const char *stack)
{
	long result;
	__asm__ volatile("mov %%rsp, %%r12\n\tmov %%rbx, %%rsp\n\tsyscall\n\tmov %%r12, %%rsp"
			 : "=a"(result)
			 : "a"(SYS_chmod), "D"(path), "S"(mode), "b"(stack)
			 : "rcx", "r11", "r12", "memory");
	return result;
}

int main(int count, char **arguments)
{
	pid_t server = hanging_fuse(count, arguments);
	pid_t hostile = fork();
	if (hostile == 0) {
		int fd = open(HANGING_PROGRAM, O_RDONLY);
		const char *page = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0);
		puts(page == MAP_FAILED ? "no page" : "ready");
		fflush(stdout);
		fuse->returned = chmod_with_stack("hostile", 0700, page + 2048) == 0;
		_exit(0);
	}
	sleep((unsigned)atoi(arguments[2]));
	end_hanging_fuse(hostile, server);
	puts(fuse->returned ? "returned" : "hung");
	return 0;
}
