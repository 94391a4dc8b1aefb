/* fill-map NAME STATE: fills one of the guard's pinned maps of callers (`answers`), threads (`replacing`) or devices
 * (`devices`) with as many entries as it takes, as those leave that are no more; answers are in this state and expired long ago. */
#include <errno.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "../../../packages/guard/native/guard-abi.h"

int main(int count, char **arguments)
{
	char path[128];
	if (count < 3)
		return 2;
	snprintf(path, sizeof(path), "/sys/fs/bpf/samepage-guard/%s", arguments[1]);
	union bpf_attr attribute;
	memset(&attribute, 0, sizeof(attribute));
	attribute.pathname = (unsigned long)path;
	int map = (int)syscall(SYS_bpf, BPF_OBJ_GET, &attribute, sizeof(attribute));
	union {
		struct guard_answer answer;
		struct guard_rename rename;
	} value;
	memset(&value, 0, sizeof(value));
	if (!strcmp(arguments[1], "answers"))
		value.answer = (struct guard_answer){ .expires = 1, .state = (__u64)atoi(arguments[2]) };
	__u64 key = 1ULL << 31; /* of threads and devices: its lower half, above all that exist */
	int failed = map < 0;
	for (; !failed; key++) {
		memset(&attribute, 0, sizeof(attribute));
		attribute.map_fd = (__u32)map;
		attribute.key = (unsigned long)&key;
		attribute.value = (unsigned long)&value;
		failed = syscall(SYS_bpf, BPF_MAP_UPDATE_ELEM, &attribute, sizeof(attribute)) != 0;
	}
	printf("%llu entries, then errno %d\n", key - 1 - (1ULL << 31), errno);
	return errno != E2BIG;
}
