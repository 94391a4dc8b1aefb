import { execFileSync } from "node:child_process";
import { chmodSync, copyFileSync, existsSync, mkdirSync, readFileSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { DebianKernel } from "./debian-kernel.ts";

const here = dirname(fileURLToPath(import.meta.url));

/** What the guests inside run: the host's own programs, with the libraries they name. */
const hostPrograms = ["dpkg", "dpkg-deb", "dpkg-split", "tar", "rm", "sed", "patch", "sqlite3", "bash", "setfacl", "getfacl", "setcap", "getcap", "setfattr", "getfattr", "chattr", "lsattr", "cp", "chmod", "chown", "unshare", "setpriv", "diff", "rsync", "touch", "ls", "stat", "truncate"];

/** Packs `directory` with busybox, modules (those of `fileSystems` and what every machine needs), our programs and the scripts of vm/ into an initramfs. Returns its path. */
export function buildInitramfs(directory: string, kernel: DebianKernel, files: readonly string[], fileSystems: readonly string[]): string {
  const root = join(directory, "root");
  for (const folder of ["bin", "dev", "proc", "sys", "mnt", "tmp", "modules", "tools"]) mkdirSync(join(root, folder), { recursive: true });
  copyFileSync("/bin/busybox", join(root, "bin/busybox"));
  for (const applet of execFileSync("/bin/busybox", ["--list"], { encoding: "utf8" }).trim().split("\n"))
    if (applet !== "busybox") symlinkSync("busybox", join(root, "bin", applet));
  addModules(root, kernel, ["virtio_pci", "virtio_blk", "ext4", "loop", "dm_mod", "overlay", "quota_v2", "fuse", ...fileSystems]);
  for (const file of files) {
    copyFileSync(file, join(root, "bin", basename(file)));
    chmodSync(join(root, "bin", basename(file)), 0o755);
  }
  for (const script of readdirSync(join(here, "vm")).filter((name) => name.endsWith(".sh"))) {
    copyFileSync(join(here, "vm", script), join(root, script));
    chmodSync(join(root, script), 0o755);
  }
  symlinkSync("init.sh", join(root, "init"));
  addTools(join(root, "tools"));
  const image = join(directory, "initramfs");
  execFileSync("sh", ["-c", `find . -print0 | cpio --null --quiet -o -H newc > "${image}"`], { cwd: root });
  return image;
}

/** Copies modules, uncompressed, and the order in which to load them (each after what it depends on). */
function addModules(root: string, kernel: DebianKernel, wanted: readonly string[]): void {
  const byName = new Map<string, string>();
  for (const path of readdirSync(join(kernel.modules, "kernel"), { recursive: true, encoding: "utf8" })) {
    const match = /([^/]+)\.ko(\.xz)?$/.exec(path);
    if (match?.[1] !== undefined) byName.set(match[1].replaceAll("-", "_"), join(kernel.modules, "kernel", path));
  }
  const order: string[] = [];
  const visit = (name: string): void => {
    const path = byName.get(name.replaceAll("-", "_"));
    if (path === undefined || order.includes(name)) return; // built in
    const bytes = path.endsWith(".xz") ? execFileSync("xz", ["-dc", path], { maxBuffer: 64 << 20 }) : readFileSync(path);
    const text = bytes.toString("latin1");
    const depends = /\0depends=([^\0]*)\0/.exec(text)?.[1] ?? "";
    const softly = /\0softdep=pre: ([^\0]*)\0/.exec(text)?.[1] ?? "";
    for (const dependency of [...depends.split(","), ...softly.split(" ")]) if (dependency !== "") visit(dependency);
    order.push(name);
    writeFileSync(join(root, "modules", `${name}.ko`), bytes);
  };
  for (const name of wanted) visit(name);
  writeFileSync(join(root, "modules/order"), `${order.join("\n")}\n`);
}

/** A root tree with a package manager and everyday tools; guests in the machine are copies of it. */
function addTools(root: string): void {
  for (const folder of ["bin", "etc", "tmp", "usr", "var/lib/dpkg/info", "var/lib/dpkg/updates", "var/lib/dpkg/triggers", "proc", "dev"])
    mkdirSync(join(root, folder), { recursive: true });
  for (const link of ["sbin", "usr/bin", "usr/sbin"]) symlinkSync(link.includes("/") ? "../bin" : "bin", join(root, link));
  writeFileSync(join(root, "etc/passwd"), "root:x:0:0:root:/:/bin/sh\n");
  writeFileSync(join(root, "var/lib/dpkg/status"), "");
  copyFileSync("/bin/busybox", join(root, "bin/busybox"));
  for (const applet of ["sh", "cat", "ln", "mv", "mkdir", "sha256sum", "find", "id", "mount", "env", "true", "head", "test", "dd"])
    symlinkSync("busybox", join(root, "bin", applet));
  for (const name of [...hostPrograms, "ldconfig", "start-stop-daemon"]) {
    const path = ["/usr/bin", "/usr/sbin", "/bin", "/sbin"].map((folder) => join(folder, name)).find((candidate) => existsSync(candidate));
    if (path !== undefined) addProgram(root, path, name);
  }
}

function addProgram(root: string, path: string, name: string): void {
  copyFileSync(path, join(root, "bin", name));
  chmodSync(join(root, "bin", name), 0o755);
  addLibraries(root, path);
}

/** Copies the shared libraries that a program names to where it looks for them. */
export function addLibraries(root: string, path: string): void {
  let libraries = "";
  try {
    libraries = execFileSync("ldd", [path], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
  } catch {
    return; // a script or a static program needs none
  }
  for (const [, library] of libraries.matchAll(/(\/\S+) \(0x/g)) {
    if (library === undefined) continue;
    mkdirSync(join(root, dirname(library)), { recursive: true });
    copyFileSync(library, join(root, library));
  }
}
