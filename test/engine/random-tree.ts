import { chmodSync, closeSync, ftruncateSync, lchownSync, linkSync, mkdirSync, openSync, symlinkSync, writeSync } from "node:fs";
import { run } from "@samepage/test-support";
import * as fc from "fast-check";

/** Few of each, so that random files are often equal in all of it, or in all but one thing. */
const contents = ["", "x", "fifteen bytes!!", "a little longer than sixteen bytes", "block".repeat(900), "large".repeat(60_000)] as const;
const modes = [0o644, 0o600, 0o4755] as const;
const owners = [0, 1000] as const;
/** For touch(1). */
const mtimes = ["@1700000000", "@1700000000.000000001", "@1500000000"] as const;

/** In getfattr's form; the ACL and the capability are the raw attributes that setfacl and setcap write. */
const attributes = [
  "",
  'user.note="one"',
  'user.note="two"',
  "system.posix_acl_access=0sAgAAAAEABgD/////AgAGAOgDAAAEAAQA/////xAABgD/////IAAEAP////8=",
  "security.capability=0sAQAAAgAkAAAAAAAAAAAAAAAAAAA=",
] as const;
const flags = ["", "A", "d", "i", "a"] as const;
/** For chattr(1), where the file system keeps them without a mount option: XFS. */
const projects = [0, 7] as const;

interface RandomFile {
  readonly kind: "file";
  readonly content: number;
  /** A hole of this many 64 KiB before the content. */
  readonly hole: number;
  readonly mode: number;
  readonly owner: number;
  readonly mtime: number;
  readonly attribute: number;
  readonly flag: number;
  readonly project: number;
}
interface RandomLink {
  /** A copy shares extents with what it is of, where the file system has that; a foreign link is of a guest planted before. */
  readonly kind: "link" | "copy" | "foreign";
  /** Which of the files before it, counted round. */
  readonly of: number;
}
interface RandomOther {
  readonly kind: "directory" | "symlink" | "fifo" | "device";
}

/** A name and what it names; a directory is the parent of what follows it. */
export interface RandomEntry {
  readonly name: Uint8Array;
  readonly node: RandomFile | RandomLink | RandomOther;
}
export type RandomTree = readonly RandomEntry[];

const often = <T>(usual: T, ...rare: readonly T[]) => fc.oneof({ weight: 6, arbitrary: fc.constant(usual) }, { weight: rare.length, arbitrary: fc.constantFrom(...rare) });

const file: fc.Arbitrary<RandomFile> = fc.record({
  kind: fc.constant("file"),
  content: fc.nat(contents.length - 1),
  hole: often(0, 1, 16),
  mode: often(0, 1, 2),
  owner: often(0, 1),
  mtime: often(0, 1, 2),
  attribute: often(0, 1, 2, 3, 4),
  flag: often(0, 1, 2, 3, 4),
  project: often(0, 1),
});
const node: fc.Arbitrary<RandomEntry["node"]> = fc.oneof(
  { weight: 10, arbitrary: file },
  { weight: 3, arbitrary: fc.record({ kind: fc.constantFrom("link", "copy", "foreign"), of: fc.nat(20) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constantFrom("directory", "symlink", "fifo", "device") }) },
);
const name = fc.uint8Array({ min: 1, max: 255, minLength: 1, maxLength: 12 }).filter((bytes) => !bytes.includes(0x2f));

/** A guest's tree of up to thirty names. */
export const randomTree: fc.Arbitrary<RandomTree> = fc.array(fc.record({ name, node }), { maxLength: 30 });

/**
 * Makes the tree below an existing directory. Needs root.
 * @param foreign files of guests planted before, on the same file system
 * @returns the tree's files that other guests may have names of
 */
export async function plantRandomTree(root: string, tree: RandomTree, { hasProjects, foreign }: { readonly hasProjects: boolean; readonly foreign: readonly Buffer[] }): Promise<readonly Buffer[]> {
  let directory = Buffer.from(root);
  const files: Buffer[] = [];
  const copies: Buffer[] = [];
  const finish: { path: Buffer; file: RandomFile }[] = [];
  for (const [index, entry] of tree.entries()) {
    // Numbered, so that no two are the same and none is "." or "..".
    const path = Buffer.concat([directory, Buffer.from(`/${index}`), entry.name]);
    const { node: made } = entry;
    if (made.kind === "file") {
      writeContent(path, made);
      files.push(path);
      finish.push({ path, file: made });
    } else if (made.kind === "link") {
      const target = files[made.of % files.length];
      if (target !== undefined) linkSync(target, path);
    } else if (made.kind === "copy" || made.kind === "foreign") {
      const of = made.kind === "copy" ? files : foreign;
      const target = of[made.of % of.length];
      if (target !== undefined && made.kind === "copy") copies.push(target, path);
      else if (target !== undefined) linkSync(target, path);
    } else if (made.kind === "directory") {
      mkdirSync(path);
      directory = path;
    } else if (made.kind === "symlink") symlinkSync(Buffer.from("/etc/passwd"), path);
    else await run("xargs", ["-0", "sh", "-c", made.kind === "fifo" ? 'mknod "$1" p' : 'mknod "$1" c 1 3', "mknod"], { input: Buffer.concat([path, Buffer.of(0)]) });
  }
  for (const { path, file: made } of finish) {
    lchownSync(path, owners[made.owner] ?? 0, owners[made.owner] ?? 0);
    chmodSync(path, modes[made.mode] ?? 0o644);
  }
  await restoreAttributes(finish);
  for (const [index, mtime] of mtimes.entries()) {
    await forEach(finish.filter(({ file: made }) => made.mtime === index), "touch", ["-d", mtime]);
  }
  if (copies.length > 0) await run("xargs", ["-0", "-n2", "cp", "--reflink=auto", "--preserve=all"], { input: Buffer.concat(copies.flatMap((path) => [path, Buffer.of(0)])) });
  for (const [index, project] of projects.entries()) {
    if (hasProjects && project !== 0) await forEach(finish.filter(({ file: made }) => made.project === index), "chattr", ["-p", String(project)]);
  }
  for (const [index, flag] of flags.entries()) {
    if (flag !== "") await forEach(finish.filter(({ file: made }) => made.flag === index), "chattr", [`+${flag}`]);
  }
  // Nobody may link what is immutable or for appending only.
  return finish.filter(({ file: made }) => made.flag < flags.indexOf("i")).map(({ path }) => path);
}

function writeContent(path: Buffer, { content, hole }: RandomFile): void {
  const fd = openSync(path, "wx");
  try {
    const text = Buffer.from(contents[content] ?? "");
    ftruncateSync(fd, hole * 65_536 + text.length);
    writeSync(fd, text, 0, text.length, hole * 65_536);
  } finally {
    closeSync(fd);
  }
}

/** One run of setfattr for all: names are quoted as getfattr quotes them. */
async function restoreAttributes(made: readonly { path: Buffer; file: RandomFile }[]): Promise<void> {
  const lines = made.flatMap(({ path, file: { attribute } }) => {
    const value = attributes[attribute] ?? "";
    if (value === "") return [];
    const quoted = [...path].map((byte) => (byte > 0x20 && byte < 0x7f && byte !== 0x5c && byte !== 0x3d ? String.fromCharCode(byte) : `\\${byte.toString(8).padStart(3, "0")}`));
    return [`# file: ${quoted.join("")}`, value, ""];
  });
  if (lines.length > 0) await run("setfattr", ["--restore=-"], { input: `${lines.join("\n")}\n` });
}

async function forEach(made: readonly { path: Buffer }[], program: string, args: readonly string[]): Promise<void> {
  if (made.length === 0) return;
  const input = Buffer.concat(made.flatMap(({ path }) => [path, Buffer.of(0)]));
  await run("xargs", ["-0", program, ...args], { input });
}

/** Takes back the flags that keep a tree from being deleted. */
export async function unlock(directory: string): Promise<void> {
  await run("chattr", ["-R", "-f", "-ia", directory]).catch(() => {});
}
