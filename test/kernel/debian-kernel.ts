import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

export interface DebianKernel {
  readonly version: string;
  /** The compressed kernel image. */
  readonly image: string;
  /** Directory of its modules (`…/lib/modules/<version>`). */
  readonly modules: string;
}

/** Downloads are kept here between runs: one kernel is 34 MB. */
const cacheDirectory = join(process.env["SAMEPAGE_CACHE"] ?? join(homedir(), ".cache/samepage"), "kernel");

/**
 * Debian's cloud kernel of a series, e.g. `6.12`: the newest one cached, else the newest that apt knows.
 * Throws with apt's words when there is none.
 */
export function debianKernel(series: string): DebianKernel {
  mkdirSync(cacheDirectory, { recursive: true });
  const name = findCached(series) ?? download(series);
  const root = join(cacheDirectory, name);
  const version = readdirSync(join(root, "lib/modules"))[0];
  if (version === undefined) throw new Error(`${root}: no modules; remove the directory and try again`);
  return { version, image: join(root, "boot", `vmlinuz-${version}`), modules: join(root, "lib/modules", version) };
}

function findCached(series: string): string | undefined {
  return readdirSync(cacheDirectory)
    .filter((name) => name.startsWith(`linux-image-${series}.`) && existsSync(join(cacheDirectory, name, "lib/modules")))
    .sort((left, right) => left.localeCompare(right, "en", { numeric: true }))
    .at(-1);
}

function download(series: string): string {
  const pattern = `^linux-image-${series.replace(".", "\\.")}\\..*-cloud-amd64$`;
  const search = () =>
    execFileSync("apt-cache", ["search", "--names-only", pattern], { encoding: "utf8" })
      .split("\n")
      .map((line) => line.split(" ")[0] ?? "")
      .filter((name) => name !== "")
      .sort((left, right) => left.localeCompare(right, "en", { numeric: true }))
      .at(-1);
  let name = search();
  if (name === undefined) {
    execFileSync("apt-get", ["update", "-qq"], { stdio: ["ignore", "ignore", "inherit"] });
    name = search();
  }
  if (name === undefined) throw new Error(`apt knows no package ${pattern}`);
  const staging = mkdtempSync(join(cacheDirectory, "download-"));
  try {
    execFileSync("apt-get", ["download", name], { cwd: staging, stdio: ["ignore", "ignore", "inherit"] });
    const archive = readdirSync(staging).find((file) => file.endsWith(".deb"));
    if (archive === undefined) throw new Error(`apt-get download ${name} left no package`);
    execFileSync("dpkg", ["-x", join(staging, archive), join(staging, "root")]);
    // Renamed when whole: an interrupted download is not mistaken for a kernel.
    if (!existsSync(join(cacheDirectory, name))) renameSync(join(staging, "root"), join(cacheDirectory, name));
  } finally {
    rmSync(staging, { recursive: true, force: true });
  }
  return name;
}
