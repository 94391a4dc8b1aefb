import { cp } from "node:fs/promises";
import { basename, join } from "node:path";
import { buildSystem } from "@samepage/test-corpus";
import { run, temporaryDirectory } from "@samepage/test-support";

/** A Debian with only what every Debian has, to install packages in. */
export interface BareSystem extends AsyncDisposable {
  readonly root: string;
  /** Runs a shell command in it, with /proc, /sys and /dev of this machine seen by that command only. Words are its `$0`, `$1`… */
  sh(command: string, ...words: readonly string[]): Promise<string>;
}

/**
 * @param files copied to /tmp of the system
 * @param set `system` has curl and systemd's tools besides
 */
export async function bareSystem(files: readonly string[], set: "minbase" | "system" = "minbase"): Promise<BareSystem> {
  const directory = await temporaryDirectory("samepage-bare-");
  const root = join(directory.path, "root");
  await buildSystem(set, root);
  for (const file of files) await cp(file, join(root, "tmp", basename(file)));
  // Bound to itself, its root is a mount point, as a system's own root is.
  const mounts = ['mount --bind "$0" "$0"', ...["proc", "sys", "dev"].map((name) => `mount --rbind /${name} "$0/${name}"`)].join(" && ");
  return {
    root,
    sh: async (command, ...words) => run("unshare", ["--mount", "--propagation", "private", "sh", "-c", `${mounts} && root=$0 && command=$1 && shift && exec chroot "$root" sh -c "$command" "$@"`, root, command, ...words], { env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", LC_ALL: "C.UTF-8" } }),
    [Symbol.asyncDispose]: async () => directory[Symbol.asyncDispose](),
  };
}
