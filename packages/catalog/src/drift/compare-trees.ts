import type { TreeEntry } from "../template/tree-entry.ts";

/**
 * How one name of a guest differs from its template.
 * - `modified`: other content, target, device or type
 * - `missing`, `extra`: only in the template, only in the guest
 * - `permissions`: same content, other mode, owner, attributes or capabilities
 * - `prelinked`: a prelinked variant of the same original
 * - `conffile`: configuration with other content, as its package allows
 */
export type DriftKind = "modified" | "missing" | "extra" | "permissions" | "prelinked" | "conffile";

export interface Drift {
  kind: DriftKind;
  /** Undefined when the name is extra. */
  template: TreeEntry | undefined;
  /** Undefined when the name is missing. */
  guest: TreeEntry | undefined;
}

/**
 * Compares two trees, both sorted by path bytes, in one pass: memory does not grow with the trees.
 * @returns the differences in path order; the number of names that are the same comes last
 */
export function* compareTrees(template: Iterable<TreeEntry>, guest: Iterable<TreeEntry>): Generator<Drift, { same: number }> {
  const left = template[Symbol.iterator]();
  const right = guest[Symbol.iterator]();
  let a = next(left);
  let b = next(right);
  let same = 0;
  while (a !== undefined || b !== undefined) {
    const order = a === undefined ? 1 : b === undefined ? -1 : Buffer.compare(a.path, b.path);
    if (order < 0) yield { kind: "missing", template: a, guest: undefined };
    else if (order > 0) yield { kind: "extra", template: undefined, guest: b };
    else {
      const kind = a === undefined || b === undefined ? undefined : driftOf(a, b);
      if (kind === undefined) same++;
      else yield { kind, template: a, guest: b };
    }
    if (order <= 0) a = next(left);
    if (order >= 0) b = next(right);
  }
  return { same };
}

/** How two entries of one path differ; undefined when they do not. */
function driftOf(template: TreeEntry, guest: TreeEntry): DriftKind | undefined {
  if (!sameContent(template, guest)) {
    if (template.type !== guest.type) return "modified";
    if (sameOriginal(template, guest)) return "prelinked";
    return template.conffile || guest.conffile ? "conffile" : "modified";
  }
  return samePermissions(template, guest) ? undefined : "permissions";
}

function sameContent(a: TreeEntry, b: TreeEntry): boolean {
  return a.type === b.type && a.size === b.size && a.device === b.device && equal(a.digest, b.digest) && equal(a.target, b.target);
}

/** Whether at least one is prelinked and both come from the same original. */
function sameOriginal(a: TreeEntry, b: TreeEntry): boolean {
  if (!a.prelinked && !b.prelinked) return false;
  const [first, second] = [a.original ?? a.digest, b.original ?? b.digest];
  return first !== undefined && equal(first, second);
}

function samePermissions(a: TreeEntry, b: TreeEntry): boolean {
  // A symbolic link has no permissions of its own: Linux ignores its mode.
  const sameMode = a.type === "symlink" || a.mode === b.mode;
  return sameMode && a.uid === b.uid && a.gid === b.gid && a.attributes.length === b.attributes.length && a.attributes.every(({ name, value }, i) => {
    const other = b.attributes[i];
    return other?.name === name && other.value.equals(value);
  });
}

function equal(a: Buffer | undefined, b: Buffer | undefined): boolean {
  return a === undefined || b === undefined ? a === b : a.equals(b);
}

function next(entries: Iterator<TreeEntry>): TreeEntry | undefined {
  const step = entries.next();
  return step.done === true ? undefined : step.value;
}
