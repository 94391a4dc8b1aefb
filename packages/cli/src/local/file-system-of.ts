import { readFile, realpath } from "node:fs/promises";

export interface FileSystemOf {
  readonly mountPoint: string;
  /** As in /proc/self/mountinfo: `ext4`, `xfs`, `btrfs`, … */
  readonly type: string;
  readonly isReadOnly: boolean;
}

/**
 * The mount that a path lies on, from /proc/self/mountinfo (proc_pid_mountinfo(5)).
 * Rejects when the path does not exist.
 */
export async function fileSystemOf(path: string): Promise<FileSystemOf> {
  const real = await realpath(path);
  let found: FileSystemOf = { mountPoint: "/", type: "unknown", isReadOnly: false };
  for (const line of (await readFile("/proc/self/mountinfo", "utf8")).split("\n")) {
    const [before = "", after = ""] = line.split(" - ");
    const fields = before.split(" ");
    const mountPoint = unescapeOctal(fields[4] ?? "");
    const holds = mountPoint !== "" && (real === mountPoint || real.startsWith(mountPoint === "/" ? "/" : `${mountPoint}/`));
    // A later line of the same or a longer path covers the earlier ones.
    if (holds && mountPoint.length >= found.mountPoint.length) {
      found = { mountPoint, type: after.split(" ")[0] ?? "unknown", isReadOnly: (fields[5] ?? "").split(",").includes("ro") };
    }
  }
  return found;
}

/** mountinfo writes space, tab, newline and backslash as \ooo. */
function unescapeOctal(text: string): string {
  return text.replaceAll(/\\([0-7]{3})/gu, (_, digits: string) => String.fromCodePoint(Number.parseInt(digits, 8)));
}
