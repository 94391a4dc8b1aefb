import { cp } from "node:fs/promises";
import { basename, join } from "node:path";
import { buildSystem } from "@samepage/test-corpus";
import { run, temporaryDirectory } from "@samepage/test-support";

/** A Debian with only what every Debian has, to install packages in. */
export interface BareSystem extends AsyncDisposable {
  readonly root: string;
  /** Runs a shell command in it, with /proc, /sys and /dev of this machine seen by that command only. */
  sh(command: string): Promise<string>;
}

/** @param files copied to /tmp of the system */
export async function bareSystem(files: readonly string[]): Promise<BareSystem> {
  const directory = await temporaryDirectory("samepage-bare-");
  const root = join(directory.path, "root");
  await buildSystem("minbase", root);
  for (const file of files) await cp(file, join(root, "tmp", basename(file)));
  // Bound to itself, its root is a mount point, as a system's own root is.
  const mounts = ['mount --bind "$0" "$0"', ...["proc", "sys", "dev"].map((name) => `mount --rbind /${name} "$0/${name}"`)].join(" && ");
  return {
    root,
    sh: async (command) => run("unshare", ["--mount", "--propagation", "private", "sh", "-c", `${mounts} && exec chroot "$0" sh -c "$1"`, root, command], { env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", LC_ALL: "C.UTF-8" } }),
    [Symbol.asyncDispose]: async () => directory[Symbol.asyncDispose](),
  };
}
