import { chmod, lchown, link, mkdir, open, readFile, rename, rm, stat, utimes, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { run } from "@samepage/test-support";
import type { Random } from "./random.ts";

/** Seconds; drift has a time of its own, so that two runs of one seed give the same guests. */
const driftedAt = 1_710_000_000;

/** Of a guest's files, the share that its administrators and programs have changed in content; measured guests show about one in a hundred. */
const changedShare = 1 / 100;
/** The share whose content is as shipped but whose owner, mode or time is not. */
const relabelledShare = 1 / 200;

/** Makes a guest its own: its configuration, logs and keys, changed and relabelled files, files removed, moved and linked. */
export async function drift(root: string, name: string, draw: Random): Promise<void> {
  await ownFiles(root, name, draw);
  // Relative, one a line; names of Debian packages' files hold no line feed.
  const listing = await run("find", [".", "-xdev", "-path", "./usr/*", "-type", "f", "-links", "1", "-size", "+0", "-size", "-4096k", "-print"], { cwd: root });
  const files = listing.split("\n").filter(Boolean).sort();
  const take = (count: number) => Array.from({ length: Math.min(count, files.length) }, () => files.splice(draw.below(files.length), 1)[0] ?? "");
  for (const file of take(Math.ceil(files.length * changedShare))) await change(join(root, file), draw);
  for (const file of take(Math.ceil(files.length * relabelledShare))) await relabel(join(root, file), draw);
  for (const file of take(3)) await rm(join(root, file));
  for (const file of take(3)) await rename(join(root, file), join(root, `${file}.moved`));
  await mkdir(join(root, "opt/links"), { recursive: true });
  for (const [index, file] of take(20).entries()) await link(join(root, file), join(root, `opt/links/${index}`));
}

/** What every installation has and no two share. */
async function ownFiles(root: string, name: string, draw: Random): Promise<void> {
  const write = async (path: string, content: string | Buffer, mode = 0o644) => {
    const file = join(root, path);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, content, { mode });
    await utimes(file, driftedAt, driftedAt);
  };
  const address = `10.0.${draw.below(256)}.${draw.below(254) + 1}`;
  await write("etc/hostname", `${name}\n`);
  await write("etc/hosts", `127.0.0.1 localhost\n${address} ${name}\n`);
  await write("etc/machine-id", `${draw.bytes(16).toString("hex")}\n`, 0o444);
  await write("etc/network/interfaces", `auto eth0\niface eth0 inet static\n  address ${address}/16\n`);
  await write("etc/ssh/ssh_host_ed25519_key", `${draw.bytes(400).toString("base64")}\n`, 0o600);
  await write("root/.ssh/authorized_keys", `ssh-ed25519 ${draw.bytes(32).toString("base64")} admin@${name}\n`, 0o600);
  await write("opt/app/config.json", `${JSON.stringify({ name, address, token: draw.bytes(12).toString("hex") })}\n`, 0o640);
  await write("opt/app/data.db", draw.bytes(65_536 + draw.below(65_536)));
  const lines = Array.from({ length: 500 + draw.below(2000) }, (_, second) => `${driftedAt + second} ${name} service[${draw.below(32_768)}]: request done`);
  await write("var/log/syslog", lines.join("\n"), 0o640);
}

async function change(file: string, draw: Random): Promise<void> {
  const { size } = await stat(file);
  const handle = await open(file, "r+");
  try {
    // Half are patched in place and keep their size: only content tells them from the original.
    const patch = draw.bytes(Math.min(16, size));
    await handle.write(patch, 0, patch.length, draw.below(2) === 0 ? draw.below(size - patch.length + 1) : size);
  } finally {
    await handle.close();
  }
  await utimes(file, driftedAt, driftedAt + draw.below(1000));
}

async function relabel(file: string, draw: Random): Promise<void> {
  const { mode, atime } = await stat(file);
  const kind = draw.below(4);
  if (kind === 0) await lchown(file, 1000 + draw.below(3), 1000);
  if (kind === 1) await chmod(file, (mode & 0o7777) ^ 0o020);
  if (kind === 2) await utimes(file, atime, driftedAt + draw.below(1000));
  if (kind === 3) {
    // The same bytes in a new file, as after a reinstall.
    const content = await readFile(file);
    await rm(file);
    await writeFile(file, content, { mode: mode & 0o7777 });
    await utimes(file, driftedAt, driftedAt);
  }
}
