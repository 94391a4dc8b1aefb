import { execFileSync } from "node:child_process";
import { copyFileSync, cpSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { daemonPath } from "@samepage/guard";
import { addLibraries } from "./initramfs.ts";
import { makeDiskOf } from "./virtual-machine.ts";

const here = dirname(fileURLToPath(import.meta.url));
const guardUnit = join(here, "../../deploy/systemd/samepage-guardd.service");
/** What the guard's unit needs around it, from the host's systemd. */
const targets = ["sysinit", "basic", "local-fs", "shutdown", "umount"].map((name) => `/lib/systemd/system/${name}.target`);

const testUnit = `[Unit]
Wants=samepage-guardd.service
After=samepage-guardd.service
DefaultDependencies=no
[Service]
Type=oneshot
StandardOutput=tty
StandardError=tty
TTYPath=/dev/ttyS0
ExecStart=/bin/sh /unit.sh
`;

/** A root file system with the host's systemd, which starts the guard by the unit that is installed, unchanged, and then vm/unit.sh. Returns the image's path. */
export function makeSystemdDisk(directory: string, programs: readonly string[]): string {
  const root = join(directory, "systemd");
  for (const folder of ["bin", "dev", "proc", "sys", "run", "tmp", "var/lib", "etc/systemd/system/samepage-guardd.service.d", "lib/systemd/system", "usr/lib/samepage/build"]) mkdirSync(join(root, folder), { recursive: true });
  copyFileSync("/bin/busybox", join(root, "bin/busybox"));
  for (const applet of execFileSync("/bin/busybox", ["--list"], { encoding: "utf8" }).trim().split("\n"))
    if (applet !== "busybox") symlinkSync("busybox", join(root, "bin", applet));
  for (const [from, to] of [["/lib/systemd/systemd", "lib/systemd/systemd"], ["/bin/systemctl", "bin/systemctl"], [daemonPath, "usr/lib/samepage/build/samepage-guardd"], ...programs.map((path) => [path, `bin/${basename(path)}`])] as const) {
    if (from === undefined || to === undefined) continue;
    cpSync(from, join(root, to), { dereference: true });
    addLibraries(root, from);
  }
  for (const file of [guardUnit, ...targets]) cpSync(file, join(root, "lib/systemd/system", basename(file)), { dereference: true });
  // The unit's own limit would only make the test wait longer.
  writeFileSync(join(root, "etc/systemd/system/samepage-guardd.service.d/sooner.conf"), "[Service]\nWatchdogSec=5\n");
  writeFileSync(join(root, "lib/systemd/system/unit-test.service"), testUnit);
  writeFileSync(join(root, "etc/machine-id"), `${"0".repeat(31)}1\n`);
  writeFileSync(join(root, "etc/passwd"), "root:x:0:0:root:/:/bin/sh\n");
  writeFileSync(join(root, "etc/group"), "root:x:0:\ntty:x:5:\n");
  for (const script of ["unit.sh", "lib.sh"]) copyFileSync(join(here, "vm", script), join(root, script));
  return makeDiskOf(root, 128);
}
