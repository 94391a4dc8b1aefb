import { createHash } from "node:crypto";
import { mkdir, readFile, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { run } from "@samepage/test-support";

/** A package of a local repository: paths without a leading slash, those below etc/ are its configuration. */
export interface DemoPackage {
  readonly version: string;
  readonly files: Readonly<Record<string, string>>;
}

/** Name of the package that these repositories have. */
export const demo = "samepage-demo";

/** A repository on disk with these versions of the package, as apt reads it by `file:`. */
export async function makeRepository(directory: string, versions: readonly DemoPackage[]): Promise<void> {
  const stanzas: string[] = [];
  for (const { version, files } of versions) {
    const tree = join(directory, "tree", version);
    for (const [path, content] of Object.entries(files)) await write(join(tree, path), content);
    const conffiles = Object.keys(files).filter((path) => path.startsWith("etc/"));
    const control = `Package: ${demo}\nVersion: ${version}\nArchitecture: all\nMaintainer: nobody <nobody@example.org>\nDescription: files to upgrade\n`;
    await write(join(tree, "DEBIAN/control"), control);
    await write(join(tree, "DEBIAN/conffiles"), conffiles.map((path) => `/${path}\n`).join(""));
    const name = `${demo}_${version}_all.deb`;
    // Times as a build of that version has them, so that installing it twice gives equal files.
    await run("find", [tree, "-exec", "touch", "--date=@1700000000", "{}", "+"]);
    await run("dpkg-deb", ["--root-owner-group", "--build", tree, join(directory, name)]);
    const bytes = await readFile(join(directory, name));
    stanzas.push(`${control}Filename: ./${name}\nSize: ${bytes.length}\nSHA256: ${createHash("sha256").update(bytes).digest("hex")}\n`);
  }
  await writeFile(join(directory, "Packages"), stanzas.join("\n"));
}

/** An empty guest: what dpkg and apt keep, and nothing else. */
export async function makeGuest(root: string): Promise<void> {
  for (const path of ["var/lib/dpkg/info", "var/lib/dpkg/updates", "var/lib/apt/lists/partial", "var/cache/apt/archives/partial", "var/log/apt", "etc/apt/apt.conf.d", "etc/apt/preferences.d", "usr/bin"]) await mkdir(join(root, path), { recursive: true });
  for (const path of ["var/lib/dpkg/status", "var/lib/dpkg/available"]) await write(join(root, path), "");
}

/** Installs a version of the package in a guest with this machine's apt and dpkg, as an administrator would. */
export async function install(root: string, repository: string, version: string): Promise<void> {
  await write(join(root, "etc/apt/sources.list"), `deb [trusted=yes] file:${repository} ./\n`);
  const options = [
    `Dir=${root}`, `Dir::State::status=${root}/var/lib/dpkg/status`, "Dir::Bin::dpkg=/usr/bin/dpkg", `DPkg::Options::=--root=${root}`, "DPkg::Options::=--force-not-root,confold",
    "APT::Sandbox::User=root", "APT::Architecture=amd64", "DPkg::Use-Pty=0", "Acquire::Languages=none",
  ].flatMap((option) => ["-o", option]); // prettier-ignore
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive", LC_ALL: "C.UTF-8", PATH: `${process.env["PATH"] ?? ""}:/usr/sbin:/sbin` };
  await run("apt-get", ["--quiet", ...options, "update"], { env });
  await run("apt-get", ["--quiet", "--yes", "--allow-downgrades", ...options, "install", `${demo}=${version}`], { env });
}

/** Why these tests skip; undefined where they run. */
export async function aptSkipReason(): Promise<string | undefined> {
  const found = await Promise.all(["/usr/bin/apt-get", "/usr/bin/dpkg-deb"].map(async (path) => stat(path).then(() => true, () => false)));
  return found.every(Boolean) ? undefined : "no apt and dpkg on this machine";
}

async function write(path: string, content: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, content);
}
