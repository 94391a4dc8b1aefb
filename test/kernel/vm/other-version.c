/* other-version: has the guard's pinned programs look like those of another version. */
#include <fcntl.h>
#include <linux/bpf.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "../../../packages/guard/native/guard-abi.h"

int main(void)
{
	union bpf_attr attribute;
	memset(&attribute, 0, sizeof(attribute));
	attribute.pathname = (unsigned long)"/sys/fs/bpf/samepage-guard/state";
	int map = (int)syscall(SYS_bpf, BPF_OBJ_GET, &attribute, sizeof(attribute));
	struct guard_state *state = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, map, 0);
	if (state == MAP_FAILED)
		return 1;
	state->abi = GUARD_ABI + 1;
	return 0;
}
