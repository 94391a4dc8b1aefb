#define _GNU_SOURCE
#include "block-devices.h"
#include <bpf/bpf.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/limits.h>
#include <linux/loop.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>
#include "file-systems.h"

#define DEEPEST 16 /* layers; more is a loop of our own making */

static const struct programs *programs;
static int depth;

static int guard_block(__u32 block);

/* Entries carry the round of the daemon that last needed them. */
static __u32 round;

static int put(int map, const void *key)
{
	return bpf_map_update_elem(map, key, &round, BPF_ANY) ? errno : 0;
}

/* The device whose number stands in a file of sysfs, kernel numbering. 0 or an errno. */
static int read_number(const char *path, __u32 *block)
{
	unsigned major_number, minor_number;
	FILE *file = fopen(path, "re");
	if (!file)
		return ENOTBLK;
	int fields = fscanf(file, "%u:%u", &major_number, &minor_number);
	fclose(file);
	*block = major_number << 20 | minor_number;
	return fields == 2 ? 0 : ENOTBLK;
}

static int guard_number_in(const char *path)
{
	__u32 block;
	int error = read_number(path, &block);
	return error ? error : guard_block(block);
}

/* What device-mapper, md, bcache and the like are made of. A partition has no such directory. */
static int guard_slaves(const char *sysfs)
{
	char path[PATH_MAX];
	struct dirent *entry;
	int error = 0;
	snprintf(path, sizeof(path), "%s/slaves", sysfs);
	DIR *directory = opendir(path);
	while (directory && !error && (entry = readdir(directory)))
		if (entry->d_name[0] != '.') {
			snprintf(path, sizeof(path), "%s/slaves/%s/dev", sysfs, entry->d_name);
			error = guard_number_in(path);
		}
	if (directory)
		closedir(directory);
	return error;
}

static int guard_parent(const char *sysfs)
{
	char path[PATH_MAX];
	snprintf(path, sizeof(path), "%s/partition", sysfs);
	if (access(path, F_OK))
		return 0;
	snprintf(path, sizeof(path), "%s/../dev", sysfs); /* the link is followed first */
	return guard_number_in(path);
}

/* The file of a loop device, if it still is what the device was given: its name may lead to another by now. */
static int open_backing(const char *sysfs, const struct loop_info64 *info)
{
	char path[PATH_MAX], name[PATH_MAX];
	struct stat st;
	snprintf(path, sizeof(path), "%s/loop/backing_file", sysfs);
	FILE *file = fopen(path, "re");
	bool read = file && fgets(name, sizeof(name), file);
	if (file)
		fclose(file);
	if (!read)
		return -1;
	name[strcspn(name, "\n")] = 0;
	int fd = open(name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd >= 0 && (fstat(fd, &st) || !S_ISREG(st.st_mode) || st.st_ino != info->lo_inode || st.st_dev != info->lo_device)) {
		close(fd);
		fd = -1;
	}
	return fd;
}

static int guard_backing(const char *sysfs, unsigned minor_number)
{
	char path[PATH_MAX];
	struct loop_info64 info;
	struct inode_key key;
	snprintf(path, sizeof(path), "%s/loop", sysfs);
	if (access(path, F_OK))
		return 0;
	snprintf(path, sizeof(path), "/dev/loop%u", minor_number);
	int device = open(path, O_RDONLY | O_CLOEXEC);
	bool known = device >= 0 && ioctl(device, LOOP_GET_STATUS64, &info) == 0;
	if (device >= 0)
		close(device);
	if (!known)
		return ENOTBLK;
	if (info.lo_rdevice)
		return guard_block((__u32)major(info.lo_rdevice) << 20 | (__u32)minor(info.lo_rdevice));
	int fd = open_backing(sysfs, &info);
	bool found = fd >= 0 && key_of_descriptor(fd, &key) == 0;
	if (fd >= 0)
		close(fd);
	if (!found)
		return ENOTBLK;
	programs_watch_for(programs, key.ino);
	int error = put(programs->backing, &key);
	return error ? error : block_devices_guard(programs, key.device);
}

static int guard_layers(__u32 block)
{
	char sysfs[64];
	snprintf(sysfs, sizeof(sysfs), "/sys/dev/block/%u:%u", block >> 20, block & 0xfffff);
	int error = access(sysfs, F_OK) ? ENOTBLK : put(programs->devices, &block);
	if (!error)
		error = guard_parent(sysfs);
	if (!error)
		error = guard_slaves(sysfs);
	return error ? error : guard_backing(sysfs, block & 0xfffff);
}

static int guard_block(__u32 block)
{
	int error = depth++ < DEEPEST ? guard_layers(block) : ENOTBLK;
	depth--;
	return error;
}

int block_devices_guard(const struct programs *started, __u32 device)
{
	programs = started;
	/* The superblock's own number as well, by which an ioctl through any of its files is told; btrfs has one of no device. */
	int error = put(programs->devices, &device);
	return error ? error : each_block_device(device, guard_block);
}

static void drop_old(int map, void *key, void *next, size_t size)
{
	for (bool have = bpf_map_get_next_key(map, NULL, next) == 0; have;) {
		__u32 value;
		memcpy(key, next, size);
		have = bpf_map_get_next_key(map, key, next) == 0;
		if (bpf_map_lookup_elem(map, key, &value) == 0 && value != round)
			bpf_map_delete_elem(map, key);
	}
}

void block_devices_begin(void)
{
	while (round == 0)
		if (getrandom(&round, sizeof(round), 0) != sizeof(round))
			round = 0;
}

void block_devices_drop_old(const struct programs *started)
{
	__u32 device, next_device;
	struct inode_key file, next_file;
	drop_old(started->devices, &device, &next_device, sizeof(device));
	drop_old(started->backing, &file, &next_file, sizeof(file));
}
