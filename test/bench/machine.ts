import { cpus, release, totalmem } from "node:os";
import { readFile } from "node:fs/promises";
import { run } from "@samepage/test-support";

/** Where figures were taken: without it they mean nothing. */
export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly kernel: string;
  readonly distribution: string;
  readonly node: string;
  readonly tools: readonly string[];
  /** Runnable processes on average over the last minute before the run: figures taken beside other work are ratios at best. */
  readonly loadBefore: number;
}

// hardlink is util-linux's.
const contenders = ["util-linux", "jdupes", "rdfind", "rmlint", "fdupes", "duperemove"];

/** @param packages those whose versions matter. Default: the contenders of unification */
export async function describeMachine(packages: readonly string[] = contenders): Promise<Machine> {
  const osRelease = await readFile("/etc/os-release", "utf8");
  const versions = packages.length === 0 ? "" : await run("dpkg-query", ["--show", "--showformat", "${Package} ${Version}\n", ...packages]);
  return {
    cpu: cpus()[0]?.model ?? "unknown",
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    kernel: release(),
    distribution: /^PRETTY_NAME="(.*)"$/mu.exec(osRelease)?.[1] ?? "unknown",
    node: process.version,
    tools: versions.split("\n").filter(Boolean),
    loadBefore: Number((await readFile("/proc/loadavg", "utf8")).split(" ")[0]),
  };
}
