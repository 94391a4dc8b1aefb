/* ioctls DIRECTORY PREFIX: every ioctl by which ext4, XFS, btrfs or the VFS could change an inode, on pool/target through
 * a descriptor opened for reading; g1/ is the root of a guest that has target, too. See packages/guard/IOCTLS.md. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/btrfs.h>
#include <linux/fs.h>
#include <linux/fscrypt.h>
#include <linux/fsverity.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#define EXT4_IOC_SETVERSION _IOW('f', 4, long)
#define EXT4_IOC32_SETVERSION _IOW('f', 4, int)
#define EXT4_IOC_MIGRATE _IO('f', 9)
#define EXT4_IOC_ALLOC_DA_BLKS _IO('f', 12)
#define EXT4_IOC_SWAP_BOOT _IO('f', 17)
#define EXT4_IOC_PRECACHE_EXTENTS _IO('f', 18)
#define EXT4_IOC_CLEAR_ES_CACHE _IO('f', 40)
struct move_extent {
	__u32 reserved, donor;
	__u64 from, to, length, moved;
};
#define EXT4_IOC_MOVE_EXT _IOWR('f', 15, struct move_extent)
struct ext4_uuid {
	__u32 length, flags;
	__u8 uuid[16];
};
#define EXT4_IOC_SETFSUUID _IOW('f', 44, struct ext4_uuid)

struct xfs_range {
	__s32 file1;
	__u32 pad;
	__u64 from, to, length, flags;
};
#define XFS_IOC_EXCHANGE_RANGE _IOW('X', 129, struct xfs_range)
struct xfs_commit {
	struct xfs_range range;
	__u64 fresh[6];
};
#define XFS_IOC_START_COMMIT _IOR('X', 130, struct xfs_commit)
#define XFS_IOC_COMMIT_RANGE _IOW('X', 131, struct xfs_commit)
struct xfs_swap {
	__s64 version, target, temporary, offset, length;
	char pad[16], stat[136];
};
#define XFS_IOC_SWAPEXT _IOWR('X', 109, struct xfs_swap)
struct space_resv {
	__s16 type, whence;
	__s64 start, length;
	__s32 system;
	__u32 process;
	__s32 pad[4];
};
#define FS_IOC_RESVSP _IOW('X', 40, struct space_resv)
#define FS_IOC_UNRESVSP _IOW('X', 41, struct space_resv)
#define FS_IOC_UNRESVSP64 _IOW('X', 43, struct space_resv)
#define FS_IOC_ZERO_RANGE _IOW('X', 57, struct space_resv)
#define XFS_IOC_FREE_EOFBLOCKS _IOR('X', 58, char[128])
#define XFS_IOC_ALLOCSP64 _IOW('X', 36, struct space_resv)
#define XFS_IOC_FREESP64 _IOW('X', 37, struct space_resv)
#define XFS_IOC_SCRUB_METADATA _IOWR('X', 60, char[64])
#define XFS_IOC_SCRUBV_METADATA _IOWR('X', 64, char[40])
struct xfs_handle_request {
	__u32 fd;
	void *path;
	__u32 oflags;
	void *ihandle;
	__u32 ihandlen;
	void *ohandle;
	__u32 *ohandlen;
};
#define XFS_IOC_FD_TO_HANDLE _IOWR('X', 106, struct xfs_handle_request)
struct xfs_attr_op {
	__u32 opcode;
	__s32 error;
	void *name, *value;
	__u32 length, flags;
};
struct xfs_attr_request {
	struct xfs_handle_request handle;
	__u32 count;
	struct xfs_attr_op *operations;
};
#define XFS_IOC_ATTRMULTI_BY_HANDLE _IOW('X', 123, struct xfs_attr_request)

static const char *prefix;
static int target, own;
static char handle[64];
static __u32 handle_bytes = sizeof(handle);

struct facts {
	struct stat st;
	char bytes[50000];
	long flags, version;
	struct fsxattr extended;
	char names[256];
};

static void look(struct facts *facts)
{
	memset(facts, 0, sizeof(*facts));
	fstat(target, &facts->st);
	memset(&facts->st.st_atim, 0, sizeof(facts->st.st_atim));
	if (pread(target, facts->bytes, sizeof(facts->bytes), 0) < 0)
		facts->bytes[0] = 0;
	ioctl(target, FS_IOC_GETFLAGS, &facts->flags);
	ioctl(target, FS_IOC_GETVERSION, &facts->version);
	ioctl(target, FS_IOC_FSGETXATTR, &facts->extended);
	facts->extended.fsx_nextents = 0; /* how the bytes lie on disk may change, as they do when the file system is balanced */
	facts->st.st_blocks = 0;
	if (flistxattr(target, facts->names, sizeof(facts->names)) < 0)
		facts->names[0] = 0;
}

enum verdict { UNCHANGED, REFUSED };

static void attempt(const char *name, int fd, unsigned long command, void *argument, enum verdict verdict)
{
	static struct facts before, after;
	look(&before);
	errno = 0;
	int result = ioctl(fd, command, argument), error = errno;
	look(&after);
	bool ok = memcmp(&before, &after, sizeof(before)) == 0 && (verdict == UNCHANGED || (result < 0 && error == EPERM));
	printf("%sok %s: %s %s # %s\n", ok ? "" : "not ", prefix, name, verdict == REFUSED ? "is refused" : "changes nothing", result < 0 ? strerrorname_np(error) : "done");
	fflush(stdout);
}

/* Those of the descriptor's own inode, for everybody. */
static void on_inode(void)
{
	long number = 12345;
	int flags = FS_NODUMP_FL;
	struct fsxattr extended;
	struct fsverity_enable_arg verity = { .version = 1, .hash_algorithm = 1, .block_size = 4096 };
	ioctl(target, FS_IOC_FSGETXATTR, &extended);
	extended.fsx_projid = 77;
	attempt("FS_IOC_SETFLAGS", target, FS_IOC_SETFLAGS, &flags, REFUSED);
	attempt("FS_IOC_FSSETXATTR", target, FS_IOC_FSSETXATTR, &extended, REFUSED);
	attempt("FS_IOC_SETVERSION", target, FS_IOC_SETVERSION, &number, REFUSED);
	attempt("EXT4_IOC_SETVERSION", target, EXT4_IOC_SETVERSION, &number, REFUSED);
	attempt("EXT4_IOC_SETVERSION of 32 bits", target, EXT4_IOC32_SETVERSION, &number, REFUSED);
	attempt("EXT4_IOC_MIGRATE", target, EXT4_IOC_MIGRATE, NULL, REFUSED);
	attempt("FS_IOC_ENABLE_VERITY", target, FS_IOC_ENABLE_VERITY, &verity, REFUSED);
}

/* Those that want a descriptor for writing, or leave bytes and metadata alone. */
static void without_hook(void)
{
	struct file_clone_range clone = { .src_fd = own, .src_length = 4096 };
	struct space_resv space = { .length = 4096 };
	struct move_extent move = { .donor = (__u32)own, .length = 1 }, donate = { .donor = (__u32)target, .length = 1 };
	struct xfs_range range = { .file1 = own, .length = 4096 }, back = { .file1 = target, .length = 4096 };
	struct xfs_commit commit = { .range = range };
	struct xfs_swap swap = { .target = target, .temporary = own, .length = 50000 }, swapped = { .target = own, .temporary = target, .length = 50000 };
	struct btrfs_ioctl_defrag_range_args defragment = { .len = (__u64)-1, .flags = BTRFS_DEFRAG_RANGE_COMPRESS | BTRFS_DEFRAG_RANGE_START_IO, .extent_thresh = 1 << 30, .compress_type = 1 };
	struct fscrypt_policy_v1 policy = { 0 };
	struct btrfs_ioctl_encoded_io_args encoded = { 0 };
	struct btrfs_ioctl_vol_args volume = { 0 };
	char zeros[256] = { 0 };
	attempt("FICLONE", target, FICLONE, (void *)(long)own, UNCHANGED);
	attempt("FICLONERANGE", target, FICLONERANGE, &clone, UNCHANGED);
	attempt("FS_IOC_RESVSP", target, FS_IOC_RESVSP, &space, UNCHANGED);
	attempt("FS_IOC_UNRESVSP", target, FS_IOC_UNRESVSP, &space, UNCHANGED);
	attempt("FS_IOC_UNRESVSP64", target, FS_IOC_UNRESVSP64, &space, UNCHANGED);
	attempt("FS_IOC_ZERO_RANGE", target, FS_IOC_ZERO_RANGE, &space, UNCHANGED);
	attempt("FS_IOC_SET_ENCRYPTION_POLICY", target, FS_IOC_SET_ENCRYPTION_POLICY, &policy, UNCHANGED);
	attempt("EXT4_IOC_MOVE_EXT", target, EXT4_IOC_MOVE_EXT, &move, UNCHANGED);
	attempt("EXT4_IOC_MOVE_EXT as donor", own, EXT4_IOC_MOVE_EXT, &donate, UNCHANGED);
	attempt("EXT4_IOC_SWAP_BOOT", target, EXT4_IOC_SWAP_BOOT, NULL, UNCHANGED);
	attempt("EXT4_IOC_ALLOC_DA_BLKS", target, EXT4_IOC_ALLOC_DA_BLKS, NULL, UNCHANGED);
	attempt("EXT4_IOC_PRECACHE_EXTENTS", target, EXT4_IOC_PRECACHE_EXTENTS, NULL, UNCHANGED);
	attempt("EXT4_IOC_CLEAR_ES_CACHE", target, EXT4_IOC_CLEAR_ES_CACHE, NULL, UNCHANGED);
	attempt("XFS_IOC_SWAPEXT", target, XFS_IOC_SWAPEXT, &swap, UNCHANGED);
	attempt("XFS_IOC_SWAPEXT the other way", own, XFS_IOC_SWAPEXT, &swapped, UNCHANGED);
	attempt("XFS_IOC_EXCHANGE_RANGE", target, XFS_IOC_EXCHANGE_RANGE, &range, UNCHANGED);
	attempt("XFS_IOC_EXCHANGE_RANGE the other way", own, XFS_IOC_EXCHANGE_RANGE, &back, UNCHANGED);
	ioctl(target, XFS_IOC_START_COMMIT, &commit);
	attempt("XFS_IOC_COMMIT_RANGE", target, XFS_IOC_COMMIT_RANGE, &commit, UNCHANGED);
	attempt("XFS_IOC_ALLOCSP64", target, XFS_IOC_ALLOCSP64, &space, UNCHANGED);
	attempt("XFS_IOC_FREESP64", target, XFS_IOC_FREESP64, &space, UNCHANGED);
	attempt("XFS_IOC_FREE_EOFBLOCKS", target, XFS_IOC_FREE_EOFBLOCKS, zeros, UNCHANGED);
	attempt("BTRFS_IOC_DEFRAG", target, BTRFS_IOC_DEFRAG, &volume, UNCHANGED);
	attempt("BTRFS_IOC_DEFRAG_RANGE", target, BTRFS_IOC_DEFRAG_RANGE, &defragment, UNCHANGED);
	attempt("BTRFS_IOC_ENCODED_WRITE", target, BTRFS_IOC_ENCODED_WRITE, &encoded, UNCHANGED);
	struct {
		struct file_dedupe_range head;
		struct file_dedupe_range_info info;
	} dedupe = { .head = { .src_length = 4096, .dest_count = 1 }, .info = { .dest_fd = target } };
	attempt("FIDEDUPERANGE", own, FIDEDUPERANGE, &dedupe, UNCHANGED);
}

/* Those that go around the descriptor, in a guest. */
static void on_file_system(void)
{
	struct xfs_attr_op set = { .opcode = 2, .name = "evil", .value = "x", .length = 1 };
	struct xfs_attr_request attributes = { .handle = { .ihandle = handle, .ihandlen = handle_bytes }, .count = 1, .operations = &set };
	struct ext4_uuid uuid = { .length = 16, .uuid = "another-file-sys" };
	struct btrfs_ioctl_vol_args volume = { .name = "/dev/none" };
	static struct btrfs_ioctl_dev_replace_args replace;
	char zeros[64] = { 0 };
	attempt("XFS_IOC_ATTRMULTI_BY_HANDLE of a guest", target, XFS_IOC_ATTRMULTI_BY_HANDLE, &attributes, REFUSED);
	attempt("XFS_IOC_SCRUB_METADATA of a guest", target, XFS_IOC_SCRUB_METADATA, zeros, REFUSED);
	attempt("XFS_IOC_SCRUBV_METADATA of a guest", target, XFS_IOC_SCRUBV_METADATA, zeros, REFUSED);
	attempt("EXT4_IOC_SETFSUUID of a guest", target, EXT4_IOC_SETFSUUID, &uuid, REFUSED);
	attempt("BTRFS_IOC_ADD_DEV of a guest", target, BTRFS_IOC_ADD_DEV, &volume, REFUSED);
	attempt("BTRFS_IOC_DEV_REPLACE of a guest", target, BTRFS_IOC_DEV_REPLACE, &replace, REFUSED);
}

int main(int count, char **arguments)
{
	if (count < 3 || chdir(arguments[1]))
		return 2;
	prefix = arguments[2];
	target = open("pool/target", O_RDONLY);
	own = open("g1/mine", O_RDWR | O_CREAT, 0644);
	static char bytes[50000];
	/* The same first block, for what shares equal blocks; another rest. */
	if (pread(target, bytes, 4096, 0) != 4096 || pwrite(own, bytes, sizeof(bytes), 0) != sizeof(bytes) || fsync(own))
		return 1;
	struct xfs_handle_request to = { .fd = (__u32)target, .ohandle = handle, .ohandlen = &handle_bytes };
	ioctl(target, XFS_IOC_FD_TO_HANDLE, &to);
	on_inode();
	without_hook();
	struct xfs_attr_request nothing = { .handle = { .ihandle = handle, .ihandlen = handle_bytes } };
	if (ioctl(target, XFS_IOC_ATTRMULTI_BY_HANDLE, &nothing) == 0 || errno == EPERM)
		printf("not ok %s: the host's own tools are refused\n", prefix);
	if (fork() == 0) {
		if (chroot("g1"))
			return 1;
		on_file_system();
		return 0;
	}
	wait(NULL);
	return 0;
}
