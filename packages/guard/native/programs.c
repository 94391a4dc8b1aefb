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
		bpf_program__set_autoload(skeleton->progs.guard_inode_rename, false);
	} else {
		bpf_program__set_autoload(skeleton->progs.deny_file_open, false);
		bpf_program__set_autoload(skeleton->progs.deny_inode_setattr, false);
	}
	btf__free(btf);
	return 0;
}

static struct guard *load(int marks, enum guard_mode *mode)
{
	struct guard *skeleton = guard__open();
	if (!skeleton || choose(skeleton, mode))
		goto failed;
	if (marks >= 0 && bpf_map__reuse_fd(skeleton->maps.marks, marks))
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

static int open_pinned(const char *name)
{
	char path[256];
	snprintf(path, sizeof(path), PIN_DIRECTORY "/%s", name);
	return bpf_obj_get(path);
}

/* Opens the pinned maps. False when they are not all there. */
static bool adopt(struct programs *programs)
{
	int state = open_pinned("state");
	programs->marks = open_pinned("marks");
	programs->answers = open_pinned("answers");
	programs->replacing = open_pinned("replacing");
	programs->events = open_pinned("events");
	programs->counters = open_pinned("counters");
	programs->devices = open_pinned("devices");
	void *mapped = state < 0 ? MAP_FAILED : mmap(NULL, (size_t)getpagesize(), PROT_READ | PROT_WRITE, MAP_SHARED, state, 0);
	if (state >= 0)
		close(state);
	programs->state = mapped == MAP_FAILED ? NULL : mapped;
	return programs->state && programs->marks >= 0 && programs->answers >= 0 && programs->replacing >= 0 &&
	       programs->events >= 0 && programs->counters >= 0 && programs->devices >= 0;
}

static void unpin(void)
{
	DIR *directory = opendir(PIN_DIRECTORY);
	struct dirent *entry;
	while (directory && (entry = readdir(directory)))
		if (entry->d_name[0] != '.')
			unlinkat(dirfd(directory), entry->d_name, 0);
	if (directory)
		closedir(directory);
	rmdir(PIN_DIRECTORY);
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

int programs_start(struct programs *programs, bool replace)
{
	enum guard_mode mode;
	libbpf_set_print(print);
	if (ensure_directory())
		return -1;
	bool found = adopt(programs);
	if (found && programs->state->abi == GUARD_ABI && !replace) {
		programs->adopted = true;
		return 0;
	}
	struct guard *skeleton = load(found ? programs->marks : -1, &mode);
	if (!skeleton)
		return -1;
	/* Old hooks, if any, stay attached until their links' last pin goes: refuse rather than let through between. */
	char old[] = PIN_DIRECTORY ".old";
	if (found && rename(PIN_DIRECTORY, old)) {
		log_line("the pinned hooks cannot be set aside: errno %d", errno);
		guard__destroy(skeleton);
		return -1;
	}
	int result = ensure_directory() ? -1 : attach_and_pin(skeleton);
	guard__destroy(skeleton);
	if (result) {
		unpin();
		if (found)
			rename(old, PIN_DIRECTORY);
		return -1;
	}
	if (found) {
		DIR *directory = opendir(old);
		struct dirent *entry;
		while (directory && (entry = readdir(directory)))
			if (entry->d_name[0] != '.')
				unlinkat(dirfd(directory), entry->d_name, 0);
		if (directory)
			closedir(directory);
		rmdir(old);
	}
	if (!adopt(programs)) {
		log_line("the hooks were pinned but cannot be opened: errno %d", errno);
		return -1;
	}
	programs->state->mode = mode;
	programs->state->abi = GUARD_ABI;
	programs->adopted = found;
	return 0;
}

void programs_remove(void)
{
	unpin();
}

int programs_probe(void)
{
	enum guard_mode mode;
	libbpf_set_print(print);
	struct guard *skeleton = load(-1, &mode);
	if (!skeleton)
		return -1;
	/* An LSM hook attaches even where `bpf` is not among the active security modules; then it is never called. */
	guard__destroy(skeleton);
	return 0;
}
