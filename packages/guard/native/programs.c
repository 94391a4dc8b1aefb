#define _GNU_SOURCE
#include "programs.h"
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>
#include "guard.skel.h"
#include "log.h"

#define OLD_DIRECTORY PIN_DIRECTORY "-old" /* bpffs keeps names with a dot for itself */
#define BPF_FS_MAGIC 0xcafe4a11

static int print(enum libbpf_print_level level, const char *format, va_list arguments)
{
	return level == LIBBPF_WARN ? vfprintf(stderr, format, arguments) : 0;
}

static bool has_hook(const struct btf *btf, const char *name)
{
	char function[128];
	snprintf(function, sizeof(function), "bpf_lsm_%s", name);
	return btf__find_by_name_kind(btf, function, BTF_KIND_FUNC) > 0;
}

/* file_post_open is not used: it tells Linux 6.9, the oldest kernel whose copying is promised. */
static enum guard_mode mode_of(const struct btf *btf)
{
	return has_hook(btf, "file_post_open") && btf__find_by_name_kind(btf, "bpf_task_from_pid", BTF_KIND_FUNC) > 0 ? MODE_COPY : MODE_DENY;
}

enum guard_mode kernel_mode(void)
{
	struct btf *btf = btf__load_vmlinux_btf();
	enum guard_mode mode = btf ? mode_of(btf) : MODE_DENY;
	btf__free(btf);
	return mode;
}

/* Each program names its hook in its section; the two that exist twice are chosen by mode. */
static int choose(struct guard *skeleton, enum guard_mode *mode)
{
	struct btf *btf = btf__load_vmlinux_btf();
	if (!btf) {
		log_line("the kernel has no BTF (/sys/kernel/btf/vmlinux): it must be built with CONFIG_DEBUG_INFO_BTF");
		return -1;
	}
	*mode = mode_of(btf);
	struct bpf_program *program;
	bpf_object__for_each_program(program, skeleton->obj)
	{
		const char *hook = strchr(bpf_program__section_name(program), '/') + 1;
		bpf_program__set_autoload(program, has_hook(btf, hook));
	}
	bool copy = *mode == MODE_COPY;
	if (!copy) {
		bpf_program__set_autoload(skeleton->progs.guard_file_open, false);
		bpf_program__set_autoload(skeleton->progs.guard_inode_setattr, false);
	} else {
		bpf_program__set_autoload(skeleton->progs.deny_file_open, false);
		bpf_program__set_autoload(skeleton->progs.deny_inode_setattr, false);
	}
	btf__free(btf);
	return 0;
}

static int open_pinned(const char *name)
{
	char path[256];
	snprintf(path, sizeof(path), PIN_DIRECTORY "/%s", name);
	return bpf_obj_get(path);
}

/* With maps that programs of another version filled, where there are some: what they guard stays guarded at every step. */
static int reuse(struct bpf_map *map)
{
	int pinned = open_pinned(bpf_map__name(map));
	int result = pinned < 0 ? 0 : bpf_map__reuse_fd(map, pinned);
	if (pinned >= 0)
		close(pinned);
	return result;
}

static struct guard *load(bool upgrade, enum guard_mode *mode)
{
	struct guard *skeleton = guard__open();
	if (!skeleton || choose(skeleton, mode))
		goto failed;
	if (upgrade && (reuse(skeleton->maps.marks) || reuse(skeleton->maps.devices) || reuse(skeleton->maps.backing)))
		goto failed;
	if (guard__load(skeleton)) {
		log_line("the kernel refuses the guard's BPF programs: errno %d", errno);
		goto failed;
	}
	return skeleton;
failed:
	guard__destroy(skeleton);
	return NULL;
}

static int attach_and_pin(struct guard *skeleton)
{
	char path[256];
	struct bpf_program *program;
	struct bpf_map *map;
	bpf_object__for_each_program(program, skeleton->obj)
	{
		if (!bpf_program__autoload(program))
			continue;
		struct bpf_link *link = bpf_program__attach(program);
		snprintf(path, sizeof(path), PIN_DIRECTORY "/hook-%s", bpf_program__name(program));
		if (!link || bpf_link__pin(link, path)) {
			log_line("hook %s cannot be attached: errno %d (is `bpf` in the lsm= list of the kernel command line?)", bpf_program__name(program), errno);
			return -1;
		}
		bpf_link__disconnect(link); /* the pin holds it */
		bpf_link__destroy(link);
	}
	bpf_object__for_each_map(map, skeleton->obj)
	{
		if (bpf_map__is_internal(map))
			continue;
		snprintf(path, sizeof(path), PIN_DIRECTORY "/%s", bpf_map__name(map));
		if (bpf_map__pin(map, path)) {
			log_line("map %s cannot be pinned: errno %d", bpf_map__name(map), errno);
			return -1;
		}
	}
	return 0;
}

static volatile void *map_pinned(const char *name, size_t bytes)
{
	int fd = open_pinned(name);
	void *mapped = fd < 0 ? MAP_FAILED : mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (fd >= 0)
		close(fd);
	return mapped == MAP_FAILED ? NULL : mapped;
}

/* Opens the pinned maps. 0, or -1 after a line in the log. */
static int adopt(struct programs *programs)
{
	programs->marks = open_pinned("marks");
	programs->answers = open_pinned("answers");
	programs->replacing = open_pinned("replacing");
	programs->events = open_pinned("events");
	programs->notes = open_pinned("notes");
	programs->counters = open_pinned("counters");
	programs->devices = open_pinned("devices");
	programs->backing = open_pinned("backing");
	programs->state = map_pinned("state", (size_t)getpagesize());
	programs->filter = map_pinned("filter", (1 << FILTER_BITS) / 8);
	if (programs->state && programs->filter && programs->marks >= 0 && programs->answers >= 0 && programs->replacing >= 0 &&
	    programs->events >= 0 && programs->notes >= 0 && programs->counters >= 0 && programs->devices >= 0 && programs->backing >= 0)
		return 0;
	log_line("the pinned maps cannot be opened: errno %d", errno);
	return -1;
}

void programs_watch_for(const struct programs *programs, __u64 ino)
{
	__u32 bit = filter_bit(ino);
	__atomic_fetch_or(&programs->filter[bit >> 6], 1ULL << (bit & 63), __ATOMIC_SEQ_CST);
}

int programs_add_mark(const struct programs *programs, const struct inode_key *key, __u32 requester)
{
	const struct guard_mark mark = { .requester = requester };
	programs_watch_for(programs, key->ino);
	return bpf_map_update_elem(programs->marks, key, &mark, BPF_NOEXIST);
}

/* Bytes from a structure's start to a member, or -1. */
static int offset_of(const struct btf *btf, const char *structure, const char *member)
{
	int id = btf__find_by_name_kind(btf, structure, BTF_KIND_STRUCT);
	if (id < 0)
		return -1;
	const struct btf_type *type = btf__type_by_id(btf, (__u32)id);
	for (__u32 i = 0; i < btf_vlen(type); i++)
		if (!strcmp(btf__name_by_offset(btf, btf_members(type)[i].name_off), member))
			return (int)(btf_member_bit_offset(type, i) / 8);
	return -1;
}

void programs_learn_btrfs(const struct programs *programs)
{
	if (programs->state->btrfs_root_id)
		return;
	struct btf *vmlinux = btf__load_vmlinux_btf();
	struct btf *module = vmlinux ? btf__load_module_btf("btrfs", vmlinux) : NULL;
	const struct btf *btf = module ? module : vmlinux;
	int root = btf ? offset_of(btf, "btrfs_inode", "root") : -1;
	int inode = btf ? offset_of(btf, "btrfs_inode", "vfs_inode") : -1;
	int key = btf ? offset_of(btf, "btrfs_root", "root_key") : -1; /* begins with the root's id */
	if (root >= 0 && inode >= 0 && key > 0) {
		programs->state->btrfs_root = root - inode;
		programs->state->btrfs_root_id = (__u32)key;
	}
	btf__free(module);
	btf__free(vmlinux);
}

static void unpin(const char *path)
{
	DIR *directory = opendir(path);
	struct dirent *entry;
	while (directory && (entry = readdir(directory)))
		if (entry->d_name[0] != '.')
			unlinkat(dirfd(directory), entry->d_name, 0);
	if (directory)
		closedir(directory);
	rmdir(path);
}

static int ensure_directory(void)
{
	struct statfs fs;
	if ((statfs("/sys/fs/bpf", &fs) || (unsigned)fs.f_type != BPF_FS_MAGIC) && mount("bpf", "/sys/fs/bpf", "bpf", 0, "mode=0700")) {
		log_line("/sys/fs/bpf cannot be mounted: errno %d", errno);
		return -1;
	}
	if (mkdir(PIN_DIRECTORY, 0700) && errno != EEXIST) {
		log_line(PIN_DIRECTORY " cannot be made: errno %d", errno);
		return -1;
	}
	return 0;
}

/* Programs of another version left these inodes: the new filter must know them. */
static void learn(const struct programs *programs, int map)
{
	struct inode_key key, *from = NULL;
	while (bpf_map_get_next_key(map, from, &key) == 0) {
		programs_watch_for(programs, key.ino);
		from = &key;
	}
}

/* From here on the pinned programs count as whole: see pinned_version. */
static void declare_whole(const struct programs *programs, enum guard_mode mode)
{
	programs->state->mode = mode;
	__atomic_store_n(&programs->state->abi, GUARD_ABI, __ATOMIC_RELEASE);
}

/* Attaches new programs beside those of another version, which stay attached until the last pin of their links goes:
 * both are in force for a moment, and refuse rather than let through. The old ones go when the new ones are whole: one
 * set is at every step, and tidy_pins finds which. */
static int replace_pinned(struct programs *programs, struct guard *skeleton, enum guard_mode mode)
{
	if (rename(PIN_DIRECTORY, OLD_DIRECTORY)) {
		log_line("the pinned hooks cannot be set aside: errno %d", errno);
		return -1;
	}
	crash_point("aside");
	if (ensure_directory() || attach_and_pin(skeleton) || adopt(programs)) {
		unpin(PIN_DIRECTORY);
		rename(OLD_DIRECTORY, PIN_DIRECTORY);
		return -1;
	}
	learn(programs, programs->marks);
	learn(programs, programs->backing);
	crash_point("beside");
	declare_whole(programs, mode);
	crash_point("whole");
	unpin(OLD_DIRECTORY);
	crash_point("replaced");
	log_line("hooks of another version were replaced, their marks are kept");
	return 0;
}

/* Version of the pinned programs; 0 when there are none, or not all: it is written last. */
static __u32 pinned_version(void)
{
	volatile struct guard_state *pinned = map_pinned("state", (size_t)getpagesize());
	__u32 version = pinned ? pinned->abi : 0;
	if (pinned)
		munmap((void *)pinned, (size_t)getpagesize());
	return version;
}

/* Finishes or takes back what a daemon that was killed while it pinned left. */
static void tidy_pins(void)
{
	if (pinned_version() != 0)
		unpin(OLD_DIRECTORY);
	else {
		unpin(PIN_DIRECTORY);
		crash_point("half");
		rename(OLD_DIRECTORY, PIN_DIRECTORY);
	}
}

int programs_start(struct programs *programs)
{
	enum guard_mode mode;
	libbpf_set_print(print);
	tidy_pins();
	if (ensure_directory())
		return -1;
	__u32 version = pinned_version();
	bool found = version != 0;
	if (version != GUARD_ABI) {
		struct guard *skeleton = load(found, &mode);
		if (!skeleton)
			return -1;
		int result = found ? replace_pinned(programs, skeleton, mode) : attach_and_pin(skeleton) || adopt(programs);
		guard__destroy(skeleton);
		if (result) {
			if (!found)
				unpin(PIN_DIRECTORY);
			return -1;
		}
		if (!found)
			declare_whole(programs, mode);
	} else if (adopt(programs))
		return -1;
	programs->adopted = found;
	programs_learn_btrfs(programs);
	return 0;
}

void programs_remove(void)
{
	unpin(PIN_DIRECTORY);
}

int programs_probe(void)
{
	enum guard_mode mode;
	libbpf_set_print(print);
	struct guard *skeleton = load(false, &mode);
	if (!skeleton)
		return -1;
	/* An LSM hook attaches even where `bpf` is not among the active security modules; then it is never called. */
	guard__destroy(skeleton);
	return 0;
}
