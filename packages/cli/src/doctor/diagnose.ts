import type { FileSystemFacts, HostFacts } from "./host-facts.ts";
import { isRedisNewEnough } from "./redis-version.ts";

/** One thing that this host can or cannot do. */
export interface Finding {
  readonly area: "host" | "strategy" | "guard" | "change detection" | "memory" | "controller";
  readonly name: string;
  readonly works: boolean;
  /** What was found: why it works, or why not. */
  readonly why: string;
  /** How to get it; empty when it works. */
  readonly remedy: string;
}

// Bit numbers of linux/capability.h.
const capability = { linuxImmutable: 9n, sysAdmin: 21n, lease: 28n } as const;
// FIDEDUPERANGE is implemented by these (and ocfs2, which has no place on a container host).
const reflinkTypes: ReadonlySet<string> = new Set(["xfs", "btrfs", "bcachefs"]);
// Keep no inodes of their own, or refuse links: nothing can be shared on them.
const linkless: ReadonlySet<string> = new Set(["vfat", "exfat", "msdos", "overlay", "fuse", "9p", "nfs", "nfs4", "cifs", "proc", "sysfs", "squashfs", "iso9660", "erofs"]);
// Answer FS_IOC_SETFLAGS with FS_IMMUTABLE_FL.
const immutableTypes: ReadonlySet<string> = new Set(["ext2", "ext3", "ext4", "xfs", "btrfs", "f2fs", "bcachefs"]);

/** What the facts mean: pure, so that every kernel's answer can be tested on any machine. */
export function diagnose(facts: HostFacts): Finding[] {
  const can = (bit: bigint): boolean => ((facts.capabilities >> bit) & 1n) === 1n;
  return [
    ...hostFindings(facts),
    ...facts.fileSystems.flatMap(strategyFindings),
    ...guardFindings(facts, can),
    ...detectionFindings(facts, can),
    ...memoryFindings(facts),
    controllerFinding(facts),
  ];
}

function finding(area: Finding["area"], name: string, works: boolean, why: string, remedy: string): Finding {
  return { area, name, works, why, remedy: works ? "" : remedy };
}

/** True when the running kernel is at least this version. Features are looked for first; versions only where nothing shows. */
function isKernelAtLeast(release: string, major: number, minor: number): boolean {
  const [, haveMajor = "0", haveMinor = "0"] = /^(\d+)\.(\d+)/u.exec(release) ?? [];
  return Number(haveMajor) > major || (Number(haveMajor) === major && Number(haveMinor) >= minor);
}

function hostFindings({ kernelRelease, nodeVersion }: HostFacts): Finding[] {
  return [
    finding("host", "kernel", isKernelAtLeast(kernelRelease, 5, 6), `Linux ${kernelRelease}`, "Linux 5.6 or newer is needed (openat2); Debian 11 and later have it."),
    finding("host", "node", Number(nodeVersion.split(".")[0]) >= 22, `Node ${nodeVersion}`, "Run through the samepage command: it starts the Node that npm installed beside it."),
  ];
}

function strategyFindings({ path, mountPoint, type, isReadOnly }: FileSystemFacts): Finding[] {
  const where = `${path} is on ${type}, mounted at ${mountPoint}`;
  if (isReadOnly) {
    return [finding("strategy", `hardlink, reflink in ${path}`, false, `${where}, read-only`, `Remount it writable for the run: mount -o remount,rw ${mountPoint}`)];
  }
  const links = !linkless.has(type.split(".")[0] ?? type);
  return [
    finding("strategy", `hardlink in ${path}`, links, links ? `${where}: saves disk and page cache` : `${where}, which cannot share inodes safely`, "Keep the guests on ext4, XFS or btrfs; for overlay, name the directory of its upper layer."),
    finding("strategy", `reflink in ${path}`, reflinkTypes.has(type), reflinkTypes.has(type) ? `${where}: saves disk, not page cache (XFS made with reflink=1)` : `${where}, which cannot share extents`, "Keep the guests on XFS or btrfs, or use hard links."),
  ];
}

function guardFindings({ cowGuard, fileSystems }: HostFacts, can: (bit: bigint) => boolean): Finding[] {
  const flags = fileSystems.length === 0 || fileSystems.some(({ type }) => immutableTypes.has(type));
  return [
    cowFinding(cowGuard),
    finding(
      "guard", "immutable", can(capability.linuxImmutable) && flags,
      can(capability.linuxImmutable) ? (flags ? "chattr +i works; for stopped or read-only guests: a running one gets EPERM" : "none of these file systems keeps the immutable flag") : "this process lacks CAP_LINUX_IMMUTABLE",
      can(capability.linuxImmutable) ? "Keep the guests on ext4, XFS or btrfs." : "Run as root.",
    ),
    finding("guard", "none", true, "always there; a write in one guest changes all: only for trees that nothing writes", ""),
  ];
}

function cowFinding(cowGuard: HostFacts["cowGuard"]): Finding {
  if (cowGuard.mode === "copy") return finding("guard", "cow", true, cowGuard.reason, "");
  return finding("guard", "cow", false, cowGuard.reason, cowGuard.mode === "none" ? cowGuard.hint : "Boot Linux 6.9 or newer: on Debian 12, apt-get install -t bookworm-backports linux-image-amd64");
}

function detectionFindings({ leasesEnable, hasFanotify, kernelRelease }: HostFacts, can: (bit: bigint) => boolean): Finding[] {
  return [
    finding("change detection", "leases", leasesEnable === "1" && can(capability.lease), leasesEnable === "1" ? (can(capability.lease) ? "writers are noticed while a file is swapped" : "this process lacks CAP_LEASE") : "fs.leases-enable is off", leasesEnable === "1" ? "Run as root." : "sysctl fs.leases-enable=1"),
    finding("change detection", "fanotify", hasFanotify && can(capability.sysAdmin), hasFanotify ? (can(capability.sysAdmin) ? "changed files are known without a walk" : "this process lacks CAP_SYS_ADMIN") : "the kernel has no fanotify", hasFanotify ? "Run as root." : "Boot a kernel with CONFIG_FANOTIFY; until then every run walks the trees."),
    finding("change detection", "cachestat", isKernelAtLeast(kernelRelease, 6, 5), isKernelAtLeast(kernelRelease, 6, 5) ? "shared page cache is measured for each inode" : `Linux ${kernelRelease} has no cachestat (6.5 has)`, "Boot Linux 6.5 or newer; unifying works without, its page-cache figures are then missing."),
  ];
}

function memoryFindings({ ksmRun, kernelRelease }: HostFacts): Finding[] {
  const state = ksmRun === "1" ? "running" : "not running now";
  const inherits = isKernelAtLeast(kernelRelease, 6, 7) ? "whole processes opt in, and it survives exec" : isKernelAtLeast(kernelRelease, 6, 4) ? "whole processes opt in" : "only programs that ask by madvise";
  return [finding("memory", "ksm", ksmRun !== undefined, ksmRun === undefined ? "the kernel has no KSM" : `there, ${state}; ${inherits}`, "Boot a kernel with CONFIG_KSM.")];
}

function controllerFinding({ redisVersion }: HostFacts): Finding {
  return finding("controller", "redis", redisVersion !== undefined && isRedisNewEnough(redisVersion), redisVersion === undefined ? "redis-server is not installed" : `redis-server ${redisVersion}`, redisVersion === undefined ? "apt-get install --no-install-recommends redis-server" : "Redis 6.2 or newer is needed.");
}
