// Reads every file of the guests given, as their programs would, and says what the page cache then holds.
//   read-guests.ts record FILE GUEST…    writes down what the guests are
//   read-guests.ts compare FILE GUEST…   compares them with what was written down
// One JSON object on standard output: GuestsRead.
import { readFileSync, writeFileSync } from "node:fs";
import { deserialize, serialize } from "node:v8";
import { compareManifests, manifest, type Manifest } from "@samepage/test-corpus";
import { cachedBytesOf } from "./cached-bytes.ts";

export interface GuestsRead {
  /** Bytes of page cache that the guests' files take now, each inode counted once. */
  readonly cachedBytes: number;
  readonly entries: number;
  /** What a guest could notice; empty when nothing changed. */
  readonly differences: readonly string[];
}

const [mode, file = "", ...guests] = process.argv.slice(2);
const manifests = new Map<string, Manifest>();
// Which names are links of one file is the one thing that unifying changes on purpose, and deunifying undoes.
const withoutLinks = (of: Manifest): Manifest => new Map([...of].map(([path, entry]) => [path, { ...entry, linkedWith: "" }]));
for (const guest of guests) manifests.set(guest, withoutLinks(await manifest(guest)));
const differences: string[] = [];
if (mode === "record") writeFileSync(file, serialize(manifests));
else {
  const before: ReadonlyMap<string, Manifest> = deserialize(readFileSync(file));
  for (const [guest, was] of before) differences.push(...compareManifests(was, manifests.get(guest) ?? new Map()).map((line) => `${guest}: ${line}`));
}
let entries = 0;
for (const { size } of manifests.values()) entries += size;
const read: GuestsRead = { cachedBytes: await cachedBytesOf(guests), entries, differences };
console.log(JSON.stringify(read));
