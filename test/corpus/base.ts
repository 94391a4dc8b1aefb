import { stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { run, temporaryDirectory } from "@samepage/test-support";
import { type AptSources, readAptSources } from "./apt-sources.ts";
import { cached } from "./cache.ts";
import { type PackageSet, packagesOf } from "./package-sets.ts";

/** Archives of root trees that guests are unpacked from. */
export interface Base {
  readonly set: PackageSet;
  /** The release as first installed. */
  readonly release: string;
  /** The same guest after its upgrade; the same file where there is nothing to upgrade to. */
  readonly current: string;
}

/**
 * Builds or finds the base of a set. `notice` gets a line before anything that takes minutes.
 * @param upgrade whether `current` is wanted; without it, it is `release`
 */
export async function baseOf(set: PackageSet, upgrade: boolean, notice: (line: string) => void): Promise<Base> {
  if (set === "machine") {
    const archive = await machineArchive();
    return { set, release: archive, current: archive };
  }
  const sources = await readAptSources();
  if (sources === undefined) throw new Error("corpus: /etc/apt names no Debian mirror for this machine's release; use the set `machine`");
  const build = async (state: "release" | "current") => debianArchive(set, state, sources, notice);
  if (!upgrade || sources.current === sources.release) {
    const release = await build("release");
    return { set, release, current: release };
  }
  const [release, current] = await Promise.all([build("release"), build("current")]);
  return { set, release, current };
}

async function debianArchive(
  set: Exclude<PackageSet, "machine">,
  state: "release" | "current",
  sources: AptSources,
  notice: (line: string) => void,
): Promise<string> {
  const packages = packagesOf[set];
  return cached(`${set}-${state}.tar`, [process.arch, sources.codename, sources[state], ...packages].join("\n"), async (path) => {
    notice(`building the Debian ${sources.codename} base ${set} (${state}); once, about a minute`);
    await using scratch = await temporaryDirectory("samepage-corpus-");
    const list = join(scratch.path, "mirror.sources");
    await writeFile(list, sources[state]);
    const include = packages.length > 0 ? [`--include=${packages.join(",")}`] : [];
    await run("mmdebstrap", ["--quiet", "--variant=minbase", "--format=tar", ...include, sources.codename, path, list], {
      // apt's own temporary files go with the rest; a locale the guest lacks only makes perl complain.
      env: { ...process.env, TMPDIR: scratch.path, LC_ALL: "C.UTF-8", PATH: `${process.env["PATH"] ?? ""}:/usr/sbin:/sbin` },
    });
  });
}

/** Large enough to be like a guest, small enough for a laptop. */
const machineBytes = 200 * 1024 * 1024;

/** A minimal tree from this machine's own /usr: programs, libraries and their package database, files in order of name up to a bound. */
async function machineArchive(): Promise<string> {
  const { mtimeMs } = await stat("/var/lib/dpkg/status");
  return cached("machine.tar", String(mtimeMs), async (path) => {
    const trees = ["/usr/bin", "/usr/sbin", "/usr/lib", "/usr/share/perl5", "/usr/share/doc", "/var/lib/dpkg/info"];
    const listing = await run("find", [...trees, "-xdev", "-type", "f,l", "-size", "-8192k", "-printf", "%s\\t%p\\0"]);
    const files = listing.split("\0").flatMap((line) => {
      const [size, file] = line.split("\t");
      return file === undefined ? [] : [{ size: Number(size), file }];
    });
    files.sort((a, b) => (a.file < b.file ? -1 : 1));
    // Every n-th file, so that a bounded tree still holds some of everything.
    const step = Math.max(1, Math.ceil(files.reduce((sum, { size }) => sum + size, 0) / machineBytes));
    const chosen = files.filter((_, index) => index % step === 0).map(({ file }) => `.${file}\0`);
    const always = ["./var/lib/dpkg/status\0", "./etc/debian_version\0"];
    await run("tar", ["--create", "--file", path, "--xattrs", "--acls", "-C", "/", "--null", "--ignore-failed-read", "--files-from=-"], {
      input: [...always, ...chosen].join(""),
    });
  });
}
