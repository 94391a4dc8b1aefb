#define _GNU_SOURCE
#include "file-copy.h"
#include <errno.h>
#include <linux/capability.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <fcntl.h>
#include <unistd.h>
#include "worker.h"

#define EXT4_MAGIC 0xEF53
#define ACCESS_ACL "system.posix_acl_access"

/* The flags that a copy keeps; the others are the file system's own or forbid writing, which was allowed. */
#define KEPT_FLAGS (FS_NODUMP_FL | FS_NOATIME_FL | FS_SYNC_FL | FS_COMPR_FL | FS_NOCOW_FL)

/* At one time, so that a long copy shows that it goes on. */
#define STEP_BYTES (16 << 20)

static int copy_range(int from, int to, off_t at, off_t end, struct copy_buffers *buffers, long long *bytes)
{
	bool in_kernel = true;
	while (at < end) {
		ssize_t moved = -1;
		if (in_kernel) {
			off_t in = at, out = at;
			moved = copy_file_range(from, &in, to, &out, end - at < STEP_BYTES ? (size_t)(end - at) : STEP_BYTES, 0);
			if (moved < 0 && (errno == ENOSPC || errno == EDQUOT || errno == EIO))
				return -1;
			in_kernel = moved > 0;
		}
		if (!in_kernel) {
			size_t want = (size_t)(end - at) < sizeof(buffers->data) ? (size_t)(end - at) : sizeof(buffers->data);
			ssize_t got = pread(from, buffers->data, want, at);
			if (got <= 0) {
				if (got == 0)
					errno = EIO; /* shorter than its size: the caller compares with fstat */
				return -1;
			}
			for (ssize_t written = 0; written < got;) {
				ssize_t n = pwrite(to, buffers->data + written, (size_t)(got - written), at + written);
				if (n < 0)
					return -1;
				written += n;
			}
			moved = got;
		}
		at += moved;
		*bytes += moved;
		worker_steps();
	}
	return 0;
}

static int copy_data(int from, int to, off_t size, struct copy_buffers *buffers, long long *bytes)
{
	if (size == 0)
		return 0;
	if (ioctl(to, FICLONE, from) == 0)
		return 0;
	if (errno == ENOSPC || errno == EDQUOT || errno == EIO)
		return -1;
	if (ftruncate(to, size))
		return -1;
	for (off_t at = 0; at < size;) {
		off_t data = lseek(from, at, SEEK_DATA);
		if (data < 0) {
			if (errno == ENXIO)
				break; /* a hole to the end */
			return -1;
		}
		off_t hole = lseek(from, data, SEEK_HOLE);
		if (hole < 0)
			return -1;
		if (copy_range(from, to, data, hole < size ? hole : size, buffers, bytes))
			return -1;
		at = hole;
	}
	/* ext4 flushes a replacing rename's data by itself (auto_da_alloc); a clone is in the same log as the rename. */
	struct statfs fs;
	if (fstatfs(to, &fs) || (fs.f_type != EXT4_MAGIC && fdatasync(to)))
		return -1;
	return 0;
}

static int copy_flags(int from, int to)
{
	int want, have;
	if (ioctl(from, FS_IOC_GETFLAGS, &want) || ioctl(to, FS_IOC_GETFLAGS, &have))
		return errno == ENOTTY ? 0 : -1;
	int flags = (have & ~KEPT_FLAGS) | (want & KEPT_FLAGS);
	return flags == have ? 0 : ioctl(to, FS_IOC_SETFLAGS, &flags);
}

static int copy_extended_attributes(int from, int to, struct copy_buffers *buffers)
{
	ssize_t length = flistxattr(from, buffers->names, sizeof(buffers->names));
	if (length < 0)
		return errno == EOPNOTSUPP ? 0 : -1;
	for (char *name = buffers->names; name < buffers->names + length; name += strlen(name) + 1) {
		ssize_t size = fgetxattr(from, name, buffers->value, sizeof(buffers->value));
		if (size < 0 || fsetxattr(to, name, buffers->value, (size_t)size, 0))
			return -1;
	}
	return 0;
}

/* XFS lets whoever has CAP_FOWNER give a file to an owner whose quota is full (xfs_trans_alloc_ichange). */
static int change_owner(int fd, uid_t uid, gid_t gid)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct all[_LINUX_CAPABILITY_U32S_3], fewer[_LINUX_CAPABILITY_U32S_3];
	if (syscall(SYS_capget, &header, all))
		return -1;
	memcpy(fewer, all, sizeof(all));
	fewer[0].effective &= ~(1U << CAP_FOWNER);
	if (syscall(SYS_capset, &header, fewer))
		return -1;
	int result = fchown(fd, uid, gid), error = errno;
	if (syscall(SYS_capset, &header, all))
		return -1;
	errno = error;
	return result;
}

int copy_file(int from, int to, const struct stat *st, struct copy_buffers *buffers, long long *bytes)
{
	*bytes = 0;
	/* First the flags (no-cow only takes on an empty file) and bytes; owner before mode and capability, since
	 * chown clears set-id bits and capabilities; times last. */
	if (copy_flags(from, to) || copy_data(from, to, st->st_size, buffers, bytes) || change_owner(to, st->st_uid, st->st_gid))
		return -1;
	/* The directory's default ACL, if any, came with the creation. */
	if (fremovexattr(to, ACCESS_ACL) && errno != ENODATA && errno != EOPNOTSUPP)
		return -1;
	if (fchmod(to, st->st_mode & 07777) || copy_extended_attributes(from, to, buffers))
		return -1;
	const struct timespec times[2] = { st->st_atim, st->st_mtim };
	return futimens(to, times);
}
