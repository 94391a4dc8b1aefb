/** What must hold, by suite: the name of every test that the virtual machine has to report as passed. */

const fileSystems = ["ext4", "xfs", "btrfs"] as const;

const onEachFileSystem = (names: readonly string[]): string[] => fileSystems.flatMap((type) => names.map((name) => `${type}: ${name}`));

/** Whether the long versions run. */
export const isThorough = process.env["SAMEPAGE_THOROUGH"] === "1";

/** Rounds of the eight-writer race, by file system: 1,000 of each take an emulated machine several minutes. */
export const rounds = isThorough ? { ext4: 1000, xfs: 1000, btrfs: 1000 } : { ext4: 250, xfs: 100, btrfs: 100 };

/** Callers killed while the guard holds them. */
export const killedCallers = isThorough ? 1000 : 100;

/** How long a copy is made to take: the bound of a hook's innermost loop is reached after about a minute of an emulated CPU. */
export const longCopySeconds = isThorough ? 240 : 3;

/** Steps of an upgrade of the programs at which the daemon is killed. */
const upgradeSteps = ["half", "whole", ...(isThorough ? ["aside", "beside", "replaced"] : [])];

/** Files of the tree that chmod -R and chown -R go over. */
export const treeFiles = isThorough ? 10_000 : 2_500;

/** Rows of Linux-VServer's table of what a copy-on-write link does, and the last link's. */
const semantics = [
  "open O_WRONLY breaks the link",
  "open O_RDWR breaks the link",
  "open O_APPEND breaks the link",
  "open O_TRUNC breaks the link",
  "open O_RDONLY|O_TRUNC breaks the link",
  "open O_CREAT breaks the link",
  "open for ioctl only (access mode 3) breaks the link",
  "chmod by path breaks the link",
  "chown by path breaks the link",
  "lchown by path breaks the link",
  "utimes by path breaks the link",
  "utimensat with the current time breaks the link",
  "truncate by path breaks the link",
  "fchmod on a read-only descriptor is refused",
  "fchown on a read-only descriptor is refused",
  "futimens on a read-only descriptor is refused",
  "setxattr is refused",
  "fsetxattr on a read-only descriptor is refused",
  "removexattr is refused",
  "setting an ACL is refused",
  "chattr is refused",
  "FS_IOC_FSSETXATTR is refused",
  "fchownat with AT_EMPTY_PATH is refused",
  "a shared writable mapping of a read-only descriptor is refused",
  "a mapping made before the break keeps the old inode's bytes",
  "link is free and shares",
  "unlink touches that name only",
  "rename touches that name only",
  "rename over a shared name replaces that name only",
  "an open by a process under a debugger breaks the link",
  "chmod by a process under a debugger is refused",
  "signals that arrive while the link is broken reach their handler, and no call is interrupted",
  "the last link is written in place, without a copy",
  "what is no longer shared takes attributes again",
  "the last link is copied while another guest has it open",
  "and that guest reads the old bytes",
  ...["by an O_PATH descriptor", "by a descriptor in flight", "by a mapping", "by pages in a pipe", "by a mount of the file", "through an overlay"].map((how) => `the last link is not written in place while another guest holds the inode ${how}`),
  "only who set a mark lifts it",
  "a mark outlasts the last name for as long as somebody has the inode open",
];

const attributes = ["owner, mode, times, xattrs, ACL, capability and bytes are copied", "holes stay holes", "a directory's default ACL is not inherited by a copy"];

/** Steps of a break at which the daemon is killed. */
const killSteps = ["taken", "created", "copied", "intent", "linked", "renamed"].flatMap((step) => [`${step}' of a write`, `${step}' of a chmod`]);

const failures = [
  "a full file system gives the caller ENOSPC and leaves the shared inode",
  "with the daemon dead a write is refused at once",
  "with the daemon dead a chmod is refused at once",
  "with the daemon dead readers, unlink and replace go on",
  "the next daemon adopts hooks and marks, and writes work again",
  "and the shared inode is intact",
  "with the daemon stuck a write is refused",
  "and works once it goes on",
  `io_uring and a traced caller wait for a copy of ${longCopySeconds} s`,
  "with a thread of the daemon stuck a write and a chmod are refused at once",
  "answers that nobody fetched soon make room: no write is refused",
  "what a killed daemon and its callers left makes room for the next one's",
  ...killSteps.map((step) => `kill -9 at step '${step}: an error or a private copy, all else intact, cleaned up`),
  "a batch that fails half way marks nothing",
  "programs of another version give way and leave their marks",
  ...upgradeSteps.map((step) => `kill -9 at step '${step}' of an upgrade: hooks and marks stay in force`),
  "removed hooks guard nothing",
  "after a reboot the marks are back from the log",
  "and those of a batch that failed are not",
  "an inode with one name that another guest still has open is marked again, too",
  "kill -9 while marks come back after a reboot: the next start has every one in force",
  "and the log has every one",
  "a file system that is mounted again under another number keeps its marks",
  "and so does one that was while no daemon ran",
  "devices on which nothing guarded lies any more make room at the next start",
  ...onEachFileSystem(["an operator unmounts a guarded file system at once, and mounted again it is guarded"]),
];

/** See IOCTLS.md of the guard. */
const ioctls = [
  ...["FS_IOC_SETFLAGS", "FS_IOC_FSSETXATTR", "FS_IOC_SETVERSION", "EXT4_IOC_SETVERSION", "EXT4_IOC_SETVERSION of 32 bits", "EXT4_IOC_MIGRATE", "FS_IOC_ENABLE_VERITY"].map((name) => `${name} is refused`),
  ...[
    "FICLONE", "FICLONERANGE", "FIDEDUPERANGE", "FS_IOC_RESVSP", "FS_IOC_UNRESVSP", "FS_IOC_UNRESVSP64", "FS_IOC_ZERO_RANGE", "FS_IOC_SET_ENCRYPTION_POLICY",
    "EXT4_IOC_MOVE_EXT", "EXT4_IOC_MOVE_EXT as donor", "EXT4_IOC_SWAP_BOOT", "EXT4_IOC_ALLOC_DA_BLKS", "EXT4_IOC_PRECACHE_EXTENTS", "EXT4_IOC_CLEAR_ES_CACHE",
    "XFS_IOC_SWAPEXT", "XFS_IOC_SWAPEXT the other way", "XFS_IOC_EXCHANGE_RANGE", "XFS_IOC_EXCHANGE_RANGE the other way", "XFS_IOC_COMMIT_RANGE", "XFS_IOC_ALLOCSP64", "XFS_IOC_FREESP64", "XFS_IOC_FREE_EOFBLOCKS",
    "BTRFS_IOC_DEFRAG", "BTRFS_IOC_DEFRAG_RANGE", "BTRFS_IOC_ENCODED_WRITE",
  ].map((name) => `${name} changes nothing`),
  ...["XFS_IOC_ATTRMULTI_BY_HANDLE", "XFS_IOC_SCRUB_METADATA", "XFS_IOC_SCRUBV_METADATA", "EXT4_IOC_SETFSUUID", "BTRFS_IOC_ADD_DEV", "BTRFS_IOC_DEV_REPLACE"].map((name) => `${name} of a guest is refused`),
];

const devices = [
  "a partition's disk is kept from guests",
  "and a disk's raw commands through a descriptor for reading",
  "and changes of its partitions and of its write protection",
  "a volume's parts are kept from guests, down to the disk below a loop device's file",
  "and that file",
  "a file system whose device cannot be traced is not guarded, and says so",
  "btrfs's devices are kept from guests",
];

const attacks = ["raw-device", "reopen", "handle", "xfs-handle", "own-link", "storm", "mounts", "userns", "path-descriptor", "lease"];

const tools = [
  "sed -i",
  "vim-style rename",
  "rsync --inplace",
  "patch",
  "sqlite reads and writes its database",
  "dpkg -i reinstalls a package",
  "a process keeps running over the library that another guest destroys in place",
  `chmod -R over ${treeFiles} unified files`,
  `chown -R over ${treeFiles} unified files, in the guest that shares them with the pool`,
  "no object of the pool changed meanwhile",
];

/** What a guest may do to others: nothing. */
const shares = [
  `a caller that is killed while the guard holds it is reaped by its parent, ${killedCallers} times`,
  "an execve that hangs on a guest's FUSE file system: no write of others is refused",
  "and the guest's own calls return",
  "a chmod whose caller's stack lies on a page that never comes: others change and read the same inode",
  "and the call itself returns",
  "a storm of breaks in one guest: a break in another waits for at most 2 of them",
  "a flood of events that nobody waits for: no write of others is refused",
  "and a mark whose event was dropped goes with the next write",
];

const quota = ["ext4", "xfs"].flatMap((type) => [
  `${type}: a copy that its owner's quota has no room for is refused with EDQUOT, the shared inode is untouched`,
  `${type}: and made once there is room`,
]);

const callers = [
  ...["open", "openat", "chmod", "chown", "utimensat", "truncate"].map((call) => `32-bit ${call} breaks the link`),
  "32-bit fchmod on a read-only descriptor is refused, and nothing copied",
  ...["chmod breaks the link", "chown breaks the link", "utimensat breaks the link", "an open breaks the link", "the copy belongs to it", "for others of its users nothing is copied"].map((what) => `root of an id-mapped container: ${what}`),
].map((name) => `ext4: ${name}`);

/** From the command line, with Node and the engine; the other file systems with SAMEPAGE_THOROUGH=1. */
const unify = [
  "samepage local unify --guard cow: guests share inodes and see no difference",
  "a write in one guest is its own, the other keeps file and bytes",
  "an attribute of a shared file is refused",
  "samepage local status lists marks, breaks, refused writes and latency",
  "names of one file in a guest stay one file when one of them is written",
  "a broken link whose content is equal again is unified again",
  "samepage local gc: who has a removed file open still, reads its bytes",
  "samepage local deunify: every file is the guest's own again",
  "and who has the shared file open still, reads its bytes",
  "and when nobody has, no mark is left",
];

export const suites: Readonly<Record<string, readonly string[]>> = {
  // First: later suites need the module.
  "late-module": ["btrfs loaded after the programs: a mark is enforced and a write breaks the link"],
  semantics: [...onEachFileSystem(semantics), "and goes when the inode has gone"],
  attributes: onEachFileSystem(attributes),
  callers,
  failures,
  shares,
  // Of these two the first: a disk that carried a mark once is kept from guests from then on.
  devices,
  quota,
  // On btrfs stat's device number is no block device's: there is nothing to open raw.
  hostile: onEachFileSystem(attacks.map((attack) => `hostile guest, ${attack}: nothing of the shared inode changes`)).filter((name) => !name.startsWith("btrfs: hostile guest, raw-device")),
  ioctls: onEachFileSystem(ioctls),
  tools,
  cost: ["breaking a link of 1 MB takes at most twice cp --preserve=all"],
  hammer: fileSystems.map((type) => `${type}: 8 writers in 8 guests, ${rounds[type]} rounds, mixed ways to open`),
  // The last: it runs a guard of its own, started by the command.
  unify: isThorough ? onEachFileSystem(unify) : unify.map((name) => `ext4: ${name}`),
};

/** Of vm/unit.sh. */
export const unit = [
  "the installed unit starts the guard, with its sandbox in force",
  "in it a write breaks the link",
  "in it a chmod breaks the link",
  "one that hangs is restarted by the watchdog, and writes work again",
  "where nobody may trace, doctor says so and auto does not choose cow",
  "a guard that runs already refuses a chmod there, and lets an open wait",
];
