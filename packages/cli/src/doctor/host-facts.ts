import { readFile, stat } from "node:fs/promises";
import { release } from "node:os";
import type { GuardAvailability } from "@samepage/guard";
import { fileSystemOf } from "../local/file-system-of.ts";
import { redisVersion } from "./redis-version.ts";

/** What was found on this host; {@link diagnose} decides what it means. */
export interface HostFacts {
  /** As uname(2) reports it, e.g. `6.1.0-18-amd64`. */
  readonly kernelRelease: string;
  /** Effective capabilities of this process as the bit mask of /proc/self/status. */
  readonly capabilities: bigint;
  /** What the guard package found by loading its programs for a moment. */
  readonly cowGuard: GuardAvailability;
  /** Content of /proc/sys/fs/leases-enable; undefined when absent. */
  readonly leasesEnable: string | undefined;
  readonly hasFanotify: boolean;
  /** Content of /sys/kernel/mm/ksm/run; undefined when the kernel has no KSM. */
  readonly ksmRun: string | undefined;
  /** `redis-server --version`; undefined when it is not installed. */
  readonly redisVersion: string | undefined;
  readonly nodeVersion: string;
  readonly fileSystems: readonly FileSystemFacts[];
}

export interface FileSystemFacts {
  /** The directory that was asked about. */
  readonly path: string;
  readonly mountPoint: string;
  readonly type: string;
  readonly isReadOnly: boolean;
}

/** Looks; changes nothing. Unreadable facts count as absent. */
export async function gatherHostFacts(directories: readonly string[]): Promise<HostFacts> {
  // Loaded here, because every other verb would pay for it.
  const { guardAvailability } = await import("@samepage/guard");
  const status = (await textOf("/proc/self/status")) ?? "";
  return {
    kernelRelease: release(),
    capabilities: BigInt(`0x${/^CapEff:\s*([0-9a-f]+)/mu.exec(status)?.[1] ?? "0"}`),
    cowGuard: await guardAvailability(),
    leasesEnable: (await textOf("/proc/sys/fs/leases-enable"))?.trim(),
    hasFanotify: await exists("/proc/sys/fs/fanotify"),
    ksmRun: (await textOf("/sys/kernel/mm/ksm/run"))?.trim(),
    redisVersion: await redisVersion(),
    nodeVersion: process.versions.node,
    fileSystems: await Promise.all(directories.map(async (path) => ({ path, ...(await fileSystemOf(path)) }))),
  };
}

async function textOf(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch {
    return undefined;
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch {
    return false;
  }
}
