/** Directories whose contents exist only while a system runs, or are nobody's to compare. */
const runtimeDirectories = ["proc", "sys", "dev", "run", "tmp", "var/tmp", "var/run", ".samepage"].map((name) => Buffer.from(`${name}/`));

/** Whether a path (bytes, without leading slash) lies in such a directory; the directory itself does not. */
export function isRuntime(path: Buffer): boolean {
  return runtimeDirectories.some((prefix) => path.subarray(0, prefix.length).equals(prefix));
}
