import { readdirSync } from "node:fs";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { type LoopFsType, run } from "@samepage/test-support";

/** A program and the ways to ask it for the same work. `undefined`: it cannot do that. */
export interface Contender {
  readonly name: string;
  /** The floor is no peer: it compares nothing, so that nobody who does can be faster. */
  readonly kind: "ours" | "peer" | "floor";
  /** How it knows that two files are equal; a table that hides this compares unequal things. */
  readonly proof: "bytes" | "128-bit hash, then bytes" | "digest" | "64-bit hash" | "none";
  /** Whether owner, mode and time must agree before it merges. */
  readonly identity: "full" | "owner, mode, time" | "owner, mode" | "content";
  readonly report: (tree: string, scratch: string) => readonly string[];
  readonly action?: (tree: string, scratch: string) => readonly string[];
  /** File systems it can act on. Default: all. */
  readonly fileSystems?: readonly LoopFsType[];
}

/** Where the command lies as packages install it; `bundleCommand` puts it there. */
const installed = join(import.meta.dirname, "build");

/** Bundles the command as the packages do, anew for each run, so that what is measured is what operators get of these sources. */
export async function bundleCommand(): Promise<void> {
  await run(process.execPath, [join(import.meta.dirname, "../../scripts/bundle.mjs"), installed]);
}

/** All files of a byte or more, wherever they lie, at the priority of everybody and without rests: what the others look at, and compete with. */
const samepage = (verb: "plan" | "unify", tree: string, scratch: string, ...options: readonly string[]) => [
  join(installed, "bin/node"),
  join(installed, "lib/samepage.mjs"),
  "local",
  verb,
  "--json",
  "--min-size=1",
  "--priority=normal",
  "--pressure=100",
  `--exclude-from=${join(scratch, "no-excludes")}`,
  `--state-dir=${join(scratch, "state")}`,
  ...options,
  ...guestsIn(tree),
];

/** Guests lie side by side in the tree; ours takes each by name. */
const guestsIn = (tree: string) => readdirSync(tree).map((guest) => join(tree, guest));

/** What a contender keeps between runs (an index, a list) starts empty; ours looks at everything, as the others do. */
export async function freshScratch(scratch: string): Promise<void> {
  await rm(join(scratch, "state"), { recursive: true, force: true });
  await mkdir(join(scratch, "state"));
  await writeFile(join(scratch, "no-excludes"), "");
}

export const contenders: readonly Contender[] = [
  {
    name: "floor",
    kind: "floor",
    proof: "none",
    identity: "owner, mode, time",
    report: (tree, scratch) => [join(scratch, "floor"), String(availableParallelism()), ...guestsIn(tree)],
  },
  {
    name: "samepage",
    kind: "ours",
    proof: "128-bit hash, then bytes",
    identity: "full",
    report: (tree, scratch) => samepage("plan", tree, scratch, "--strategy=hardlink", "--guard=none"),
    action: (tree, scratch) => samepage("unify", tree, scratch, "--strategy=hardlink", "--guard=none"),
  },
  {
    name: "samepage reflink",
    kind: "ours",
    proof: "bytes",
    identity: "content",
    report: (tree, scratch) => samepage("plan", tree, scratch, "--strategy=reflink"),
    action: (tree, scratch) => samepage("unify", tree, scratch, "--strategy=reflink"),
    fileSystems: ["xfs", "btrfs"],
  },
  {
    name: "hardlink",
    kind: "peer",
    proof: "bytes",
    identity: "owner, mode, time",
    report: (tree) => ["hardlink", "--dry-run", tree],
    action: (tree) => ["hardlink", tree],
  },
  {
    name: "hardlink -X",
    kind: "peer",
    proof: "bytes",
    identity: "full",
    report: (tree) => ["hardlink", "--dry-run", "--respect-xattrs", tree],
    action: (tree) => ["hardlink", "--respect-xattrs", tree],
  },
  {
    name: "jdupes -p",
    kind: "peer",
    proof: "bytes",
    identity: "owner, mode",
    report: (tree) => ["jdupes", "-q", "-r", "-p", tree],
    action: (tree) => ["jdupes", "-q", "-r", "-p", "-L", tree],
  },
  {
    name: "jdupes -Q",
    kind: "peer",
    proof: "64-bit hash",
    identity: "content",
    report: (tree) => ["jdupes", "-q", "-r", "-Q", tree],
    action: (tree) => ["jdupes", "-q", "-r", "-Q", "-L", tree],
  },
  {
    name: "rdfind",
    kind: "peer",
    proof: "digest",
    identity: "content",
    report: (tree, scratch) => ["rdfind", "-dryrun", "true", "-outputname", join(scratch, "rdfind"), tree],
    action: (tree, scratch) => ["rdfind", "-makehardlinks", "true", "-outputname", join(scratch, "rdfind"), tree],
  },
  {
    name: "rmlint",
    kind: "peer",
    proof: "digest",
    identity: "content",
    // Never /dev/null: rmlint removes the file it is to write, the device too.
    report: (tree, scratch) => ["rmlint", "--hidden", "-T", "df", "-o", `summary:${join(scratch, "rmlint.summary")}`, tree],
    action: (tree, scratch) => [
      "sh",
      "-c",
      'rmlint --hidden -T df -o "sh:$2/rmlint.sh" -c sh:hardlink "$1" && sh "$2/rmlint.sh" -d -q',
      "rmlint",
      tree,
      scratch,
    ],
  },
  { name: "fdupes", kind: "peer", proof: "bytes", identity: "content", report: (tree) => ["fdupes", "-q", "-r", tree] },
  {
    name: "duperemove",
    kind: "peer",
    proof: "bytes",
    identity: "content",
    report: (tree) => ["duperemove", "-r", "-q", tree],
    action: (tree) => ["duperemove", "-r", "-q", "-d", tree],
    fileSystems: ["xfs", "btrfs"],
  },
];
