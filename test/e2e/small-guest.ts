import { copyFile, mkdir, readFile, realpath, stat, symlink, utimes, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { run } from "@samepage/test-support";

/** Programs that a small guest has. */
const programs = ["/bin/sh", "/bin/sleep", "/bin/cat"] as const;

/**
 * A root tree with a shell, two programs, the libraries they need and an /etc of its own: small, yet what containers really
 * run. Copies of this machine's files, so every guest has the same ones.
 */
export async function makeSmallGuest(root: string, name: string): Promise<void> {
  for (const directory of ["usr/bin", "usr/lib", "usr/lib64", "etc", "proc", "sys", "dev", "tmp", "run", "var", "root"]) await mkdir(join(root, directory), { recursive: true });
  for (const link of ["bin", "lib", "lib64"]) await symlink(`usr/${link}`, join(root, link));
  const libraries = new Set<string>();
  for (const program of programs) {
    await copyWithTimes(program, join(root, "usr/bin", basename(program)));
    for (const [path] of (await run("ldd", [program])).matchAll(/\/\S+/gu)) libraries.add(path);
  }
  for (const library of libraries) {
    const target = join(root, library.startsWith("/usr/") ? library : `/usr${library}`);
    await mkdir(dirname(target), { recursive: true });
    await copyWithTimes(library, target);
  }
  await writeFile(join(root, "etc/hostname"), `${name}\n`);
  await writeFile(join(root, "etc/os-release"), "ID=debian\nNAME=Small\n");
  await writeFile(join(root, "etc/passwd"), "root:x:0:0:root:/root:/bin/sh\n");
}

/** As a package manager installs it: the modification time is the file's own, not that of the copy. */
async function copyWithTimes(from: string, to: string): Promise<void> {
  const source = await realpath(from);
  await copyFile(source, to);
  const { atime, mtime } = await stat(source);
  await utimes(to, atime, mtime);
}

/** Bytes that a process maps of a file, and its share of them (each page divided by how many processes map it). */
export async function mappedBytes(pid: number, file: string): Promise<{ readonly rss: number; readonly pss: number }> {
  let rss = 0;
  let pss = 0;
  let counts = false;
  for (const line of (await readFile(`/proc/${pid}/smaps`, "utf8")).split("\n")) {
    const mapping = /^[0-9a-f]+-[0-9a-f]+ \S+ \S+ \S+ \d+\s+(?<path>.*)$/u.exec(line);
    if (mapping !== null) counts = basename(mapping.groups?.["path"] ?? "") === file;
    const figure = /^(?<name>Rss|Pss):\s+(?<kib>\d+) kB$/u.exec(line)?.groups;
    if (!counts || figure === undefined) continue;
    if (figure["name"] === "Rss") rss += Number(figure["kib"]) * 1024;
    else pss += Number(figure["kib"]) * 1024;
  }
  return { rss, pss };
}
