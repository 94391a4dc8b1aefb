#define _GNU_SOURCE
#include "file-systems.h"
#include <errno.h>
#include <linux/btrfs.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define MOUNT_PATH 4096
#define SIDE_DEVICES 2
#define SIDE_PATH 256
#define EXT4_MAGIC 0xEF53
#define XFS_MAGIC 0x58465342
#define BTRFS_MAGIC 0x9123683E

/* File handle types, from the kernel's include/linux/exportfs.h and fs/xfs/xfs_export.h. */
#define HANDLE_INO32 0x01
#define HANDLE_XFS64 0x81
#define HANDLE_BTRFS 0x4d

/* FS_IOC_GETFSUUID, Linux 6.9. */
struct fsuuid2 {
	__u8 len;
	__u8 uuid[16];
};
#define GET_FS_UUID _IOR(0x15, 0, struct fsuuid2)

/* statx: a mount's number that is never used again, Linux 6.8. */
#ifndef STATX_MNT_ID_UNIQUE
#define STATX_MNT_ID_UNIQUE 0x4000U
#endif

struct mounted {
	__u32 device;
	int mount_id;
	__u64 unique; /* 0: the kernel knows none */
	__u32 magic;
	bool has_uuid;
	__u8 uuid[UUID_BYTES];
	char path[MOUNT_PATH];
	char side[SIDE_DEVICES][SIDE_PATH]; /* XFS: the log's and the realtime device, where they are others */
};

/* Two tables, so that a refresh is prepared aside and swapped in under the lock. */
static struct mounted tables[2][MAX_FILE_SYSTEMS];
static int counts[2];
static int current;
static _Atomic int generation; /* of the mounts; mount ids are used again */
static pthread_rwlock_t lock = PTHREAD_RWLOCK_INITIALIZER;

static __u32 kernel_device(unsigned major_number, unsigned minor_number)
{
	return major_number << 20 | minor_number;
}

/* mountinfo writes space, tab, newline and backslash as \ooo. */
static void unescape(char *text)
{
	char *out = text;
	for (; *text; text++) {
		if (text[0] == '\\' && text[1] && text[2] && text[3]) {
			*out++ = (char)((text[1] - '0') << 6 | (text[2] - '0') << 3 | (text[3] - '0'));
			text += 3;
		} else
			*out++ = *text;
	}
	*out = 0;
}

/* The mount's number that is never used again, or 0. No descriptor is kept meanwhile. */
static __u64 unique_number(int fd, const char *path)
{
	struct statx stx;
	return statx(fd, path, AT_EMPTY_PATH | AT_NO_AUTOMOUNT, STATX_MNT_ID_UNIQUE, &stx) == 0 && stx.stx_mask & STATX_MNT_ID_UNIQUE ? stx.stx_mnt_id : 0;
}

/* Whether this very mount was identified before. Whoever opens a file system keeps it from being unmounted for that moment,
 * and mounts change just when an operator unmounts several: only new ones are opened. */
static bool was_identified(struct mounted *mounted)
{
	mounted->unique = unique_number(AT_FDCWD, mounted->path);
	for (int i = 0; mounted->unique && i < counts[current]; i++) {
		const struct mounted *before = &tables[current][i];
		if (before->unique == mounted->unique && before->device == mounted->device && before->has_uuid) {
			memcpy(mounted->uuid, before->uuid, UUID_BYTES);
			return mounted->has_uuid = true;
		}
	}
	return false;
}

static void identify(struct mounted *mounted)
{
	if (was_identified(mounted))
		return;
	int fd = open(mounted->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return;
	struct fsuuid2 uuid;
	struct statfs fs;
	mounted->unique = unique_number(fd, "");
	if (ioctl(fd, GET_FS_UUID, &uuid) == 0 && uuid.len == UUID_BYTES) {
		memcpy(mounted->uuid, uuid.uuid, UUID_BYTES);
		mounted->has_uuid = true;
	} else if (fstatfs(fd, &fs) == 0) { /* before 6.9 */
		memset(mounted->uuid, 0, UUID_BYTES);
		memcpy(mounted->uuid, &fs.f_fsid, sizeof(fs.f_fsid));
		mounted->has_uuid = true;
	}
	close(fd);
}

/* The value of a mount option that names a device, "" without it. */
static void copy_option(const char *options, const char *name, char value[SIDE_PATH])
{
	const char *at = strstr(options, name);
	size_t length = at ? strcspn(at + strlen(name), ",\n") : 0;
	if (length && length < SIDE_PATH) {
		memcpy(value, at + strlen(name), length);
		value[length] = 0;
		unescape(value);
	}
}

void file_systems_refresh(void)
{
	static char line[3 * MOUNT_PATH];
	FILE *file = fopen("/proc/self/mountinfo", "re");
	if (!file)
		return;
	int next = !current, count = 0;
	while (count < MAX_FILE_SYSTEMS && fgets(line, sizeof(line), file)) {
		struct mounted *to = &tables[next][count];
		unsigned major_number, minor_number;
		int id;
		char path[MOUNT_PATH], options[256], type[64];
		if (sscanf(line, "%d %*d %u:%u %*s %4095s %255s", &id, &major_number, &minor_number, path, options) != 5)
			continue;
		char *rest = strstr(line, " - ");
		if (!rest || sscanf(rest, " - %63s", type) != 1 || strncmp(options, "rw", 2) != 0)
			continue;
		__u32 magic = !strcmp(type, "ext4") ? EXT4_MAGIC : !strcmp(type, "xfs") ? XFS_MAGIC : !strcmp(type, "btrfs") ? BTRFS_MAGIC : 0;
		if (!magic)
			continue;
		__u32 device = kernel_device(major_number, minor_number);
		bool known = false;
		for (int i = 0; i < count && !known; i++)
			known = tables[next][i].device == device;
		if (known)
			continue;
		memset(to, 0, sizeof(*to));
		unescape(path);
		strcpy(to->path, path);
		to->device = device;
		to->mount_id = id;
		to->magic = magic;
		for (int i = 0; i < SIDE_DEVICES; i++)
			if (magic == XFS_MAGIC)
				copy_option(rest, i ? "rtdev=" : "logdev=", to->side[i]);
		identify(to);
		count++;
	}
	fclose(file);
	pthread_rwlock_wrlock(&lock);
	counts[next] = count;
	current = next;
	generation++;
	pthread_rwlock_unlock(&lock);
}

int file_systems_start(void)
{
	int fd = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
	if (fd >= 0)
		file_systems_refresh();
	return fd;
}

/* Under the lock. */
static const struct mounted *find_device(__u32 device)
{
	for (int i = 0; i < counts[current]; i++)
		if (tables[current][i].device == device)
			return &tables[current][i];
	return NULL;
}

union handle {
	struct file_handle head;
	char room[sizeof(struct file_handle) + MAX_HANDLE_SZ];
};

static int decode(const struct file_handle *handle, struct inode_key *key)
{
	const unsigned char *at = handle->f_handle;
	__u32 ino32;
	memset(key, 0, sizeof(*key));
	switch (handle->handle_type) {
	case HANDLE_INO32:
		memcpy(&ino32, at, 4);
		key->ino = ino32;
		memcpy(&key->generation, at + 4, 4);
		return 0;
	case HANDLE_XFS64:
		memcpy(&key->ino, at, 8);
		memcpy(&key->generation, at + 8, 4);
		return 0;
	case HANDLE_BTRFS:
		memcpy(&key->ino, at, 8);
		memcpy(&key->subvolume, at + 8, 8);
		memcpy(&key->generation, at + 16, 4);
		return 0;
	}
	errno = EOPNOTSUPP;
	return -1;
}

/* The superblock's device of a mount: stat's is the subvolume's on btrfs. */
static int device_of_mount(int fd, __u32 *device)
{
	struct statx stx;
	struct statfs fs;
	if (statx(fd, "", AT_EMPTY_PATH, STATX_TYPE | STATX_MNT_ID, &stx) || fstatfs(fd, &fs))
		return -1;
	if ((unsigned)fs.f_type != BTRFS_MAGIC) {
		*device = kernel_device(stx.stx_dev_major, stx.stx_dev_minor);
		return 0;
	}
	static __thread int cached_id = -1, cached_generation = -1;
	static __thread __u32 cached_device;
	if (cached_id != (int)stx.stx_mnt_id || cached_generation != generation) {
		static __thread char line[3 * MOUNT_PATH];
		FILE *file = fopen("/proc/self/mountinfo", "re");
		if (!file)
			return -1;
		cached_id = -1;
		cached_generation = generation;
		int id;
		unsigned major_number, minor_number;
		while (fgets(line, sizeof(line), file))
			if (sscanf(line, "%d %*d %u:%u", &id, &major_number, &minor_number) == 3 && id == (int)stx.stx_mnt_id) {
				cached_id = id;
				cached_device = kernel_device(major_number, minor_number);
			}
		fclose(file);
		if (cached_id == -1) {
			errno = ENODEV;
			return -1;
		}
	}
	*device = cached_device;
	return 0;
}

int key_of_descriptor(int fd, struct inode_key *key)
{
	union handle handle;
	int mount_id;
	handle.head.handle_bytes = MAX_HANDLE_SZ;
	if (name_to_handle_at(fd, "", &handle.head, &mount_id, AT_EMPTY_PATH) || decode(&handle.head, key))
		return -1;
	return device_of_mount(fd, &key->device);
}

int key_of_name(int directory, const char *name, struct inode_key *key)
{
	int fd = openat(directory, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -1;
	int result = key_of_descriptor(fd, key), error = errno;
	close(fd);
	errno = error;
	return result;
}

int open_inode(const struct inode_key *key, int flags)
{
	pthread_rwlock_rdlock(&lock);
	const struct mounted *mounted = find_device(key->device);
	if (!mounted) {
		pthread_rwlock_unlock(&lock);
		errno = ENODEV;
		return -1;
	}
	/* Opened for this one call: a descriptor that is kept would keep the file system from being unmounted. */
	int mount = open(mounted->path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	__u32 magic = mounted->magic;
	int mount_id = mounted->mount_id;
	pthread_rwlock_unlock(&lock);
	if (mount < 0)
		return -1;
	struct statx stx;
	if (statx(mount, "", AT_EMPTY_PATH, STATX_MNT_ID, &stx) || (int)stx.stx_mnt_id != mount_id) {
		close(mount);
		errno = ENODEV; /* something is mounted over it */
		return -1;
	}
	/* open_by_handle_at wants a descriptor that is not O_PATH. */
	int real = openat(mount, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	close(mount);
	if (real < 0)
		return -1;
	union handle handle;
	unsigned char *at = handle.head.f_handle;
	__u32 ino32 = (__u32)key->ino;
	switch (magic) {
	case EXT4_MAGIC:
		handle.head.handle_type = HANDLE_INO32;
		handle.head.handle_bytes = 8;
		memcpy(at, &ino32, 4);
		memcpy(at + 4, &key->generation, 4);
		break;
	case XFS_MAGIC:
		handle.head.handle_type = HANDLE_XFS64;
		handle.head.handle_bytes = 12;
		memcpy(at, &key->ino, 8);
		memcpy(at + 8, &key->generation, 4);
		break;
	default:
		handle.head.handle_type = HANDLE_BTRFS;
		handle.head.handle_bytes = 20;
		memcpy(at, &key->ino, 8);
		memcpy(at + 8, &key->subvolume, 8);
		memcpy(at + 16, &key->generation, 4);
	}
	int fd = open_by_handle_at(real, &handle.head, flags | O_CLOEXEC);
	int error = errno;
	close(real);
	errno = error;
	return fd;
}

bool is_gone(const struct inode_key *key)
{
	int fd = open_inode(key, O_PATH);
	if (fd >= 0)
		close(fd);
	return fd < 0 && errno == ESTALE;
}

bool uuid_of_device(__u32 device, __u8 uuid[UUID_BYTES])
{
	pthread_rwlock_rdlock(&lock);
	const struct mounted *mounted = find_device(device);
	bool found = mounted && mounted->has_uuid;
	if (found)
		memcpy(uuid, mounted->uuid, UUID_BYTES);
	pthread_rwlock_unlock(&lock);
	return found;
}

size_t file_systems_list(struct file_system list[MAX_FILE_SYSTEMS])
{
	size_t count = 0;
	pthread_rwlock_rdlock(&lock);
	for (int i = 0; i < counts[current]; i++)
		if (tables[current][i].has_uuid) {
			list[count].device = tables[current][i].device;
			memcpy(list[count++].uuid, tables[current][i].uuid, UUID_BYTES);
		}
	pthread_rwlock_unlock(&lock);
	return count;
}

/* The devices that a file system of several was made on. */
static int each_btrfs_device(const char *path, int (*use)(__u32 block))
{
	struct btrfs_ioctl_fs_info_args all;
	int error = 0, fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	memset(&all, 0, sizeof(all));
	if (fd < 0 || ioctl(fd, BTRFS_IOC_FS_INFO, &all))
		error = ENOTBLK;
	for (__u64 id = 1, found = 0; !error && found < all.num_devices; id++) {
		struct btrfs_ioctl_dev_info_args one;
		struct stat st;
		memset(&one, 0, sizeof(one));
		one.devid = id;
		if (id > all.max_id)
			error = ENOTBLK;
		else if (ioctl(fd, BTRFS_IOC_DEV_INFO, &one) == 0) { /* numbers of removed devices are not used again */
			found++;
			error = stat((const char *)one.path, &st) || !S_ISBLK(st.st_mode) ? ENOTBLK :
			use(kernel_device(major(st.st_rdev), minor(st.st_rdev)));
		}
	}
	if (fd >= 0)
		close(fd);
	return error;
}

/* A device that the file system's mount options name, or that its superblock does. */
static int each_side_device(const struct mounted *mounted, int (*use)(__u32 block))
{
	for (int i = 0; i < SIDE_DEVICES; i++) {
		struct stat st;
		if (!mounted->side[i][0])
			continue;
		if (stat(mounted->side[i], &st) || !S_ISBLK(st.st_mode))
			return ENOTBLK;
		int error = use(kernel_device(major(st.st_rdev), minor(st.st_rdev)));
		if (error)
			return error;
	}
	return 0;
}

int each_block_device(__u32 device, int (*use)(__u32 block))
{
	struct mounted copy; /* `use` may come back here, for the file system below a loop device */
	pthread_rwlock_rdlock(&lock);
	const struct mounted *mounted = find_device(device);
	bool found = mounted != NULL;
	if (found)
		copy = *mounted;
	pthread_rwlock_unlock(&lock);
	if (!found)
		return ENODEV;
	int error = copy.magic == BTRFS_MAGIC ? each_btrfs_device(copy.path, use) : use(copy.device);
	return error ? error : each_side_device(&copy, use);
}
