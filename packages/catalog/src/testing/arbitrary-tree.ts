import { constantFrom, integer, nat, option, record, uint8Array, uniqueArray } from "fast-check";
import type { Arbitrary } from "fast-check";
import type { TreeEntry } from "../template/tree-entry.ts";

const bytes = (minLength: number, maxLength: number) => uint8Array({ minLength, maxLength }).map((value) => Buffer.from(value));

/** Any entry, with names that need not be UTF-8 and attributes that hold any bytes. */
const entry: Arbitrary<TreeEntry> = record({
  path: bytes(1, 30),
  type: constantFrom("file", "directory", "symlink", "fifo", "character", "block"),
  mode: nat({ max: 0o7777 }),
  uid: nat({ max: 2 ** 32 - 2 }),
  gid: nat({ max: 2 ** 32 - 2 }),
  size: integer({ min: 0, max: Number.MAX_SAFE_INTEGER }),
  digest: bytes(32, 32),
  target: bytes(0, 20),
  device: nat({ max: 2 ** 32 - 1 }),
  attributes: uniqueArray(record({ name: constantFrom("security.capability", "user.a", "user.b"), value: bytes(0, 20) }), { selector: ({ name }) => name }),
  buildId: option(bytes(1, 20), { nil: undefined }),
  package: option(constantFrom("bash", "libc6", "openssl"), { nil: undefined }),
  conffile: constantFrom(true, false),
  prelinked: constantFrom(true, false),
  original: option(bytes(32, 32), { nil: undefined }),
}).map(({ digest, target, device, buildId, original, package: owner, size, type, path, mode, uid, gid, attributes, conffile, prelinked }) => {
  const entry: TreeEntry = { path, type, mode, uid, gid, size: type === "file" ? size : 0, attributes, conffile, prelinked };
  if (type === "file") entry.digest = digest;
  if (type === "symlink") entry.target = target;
  if (type === "character" || type === "block") entry.device = device;
  if (buildId !== undefined) entry.buildId = buildId;
  if (owner !== undefined) entry.package = owner;
  if (original !== undefined) entry.original = original;
  return entry;
});

/** A tree: entries with distinct paths, sorted by path bytes. */
export const tree: Arbitrary<TreeEntry[]> = uniqueArray(entry, { selector: ({ path }) => path.toString("latin1"), maxLength: 40 }).map((entries) =>
  entries.toSorted((a, b) => Buffer.compare(a.path, b.path)),
);
