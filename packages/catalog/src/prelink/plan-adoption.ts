import type { Drift } from "../drift/compare-trees.ts";
import type { TreeEntry } from "../template/tree-entry.ts";

/** A prelinked variant of a guest, and what its file needs. */
export interface Variant {
  readonly drift: Drift;
  /** DT_NEEDED names; undefined when the file could not be read. */
  readonly needed: readonly string[] | undefined;
}

/** What becomes of a guest's prelinked variants. */
export interface AdoptionPlan {
  /** The template's entries that replace them, libraries before what needs them. */
  adopt: TreeEntry[];
  /** Variants left alone, and why in one line. */
  leave: { entry: TreeEntry; reason: string }[];
}

/**
 * Decides which of a guest's prelinked variants the template's files replace. prelink fixes an object's addresses by those
 * of everything it needs, so a library is switched together with its closure: a variant is adopted only when each library
 * it needs is the template's already or is adopted as well. Otherwise the guest keeps its own variant, which works.
 * @param guest every entry of the guest
 * @param isSame whether the guest's entry equals the template's at its path (latin1)
 */
export function planAdoption(variants: readonly Variant[], guest: readonly TreeEntry[], isSame: (path: string) => boolean): AdoptionPlan {
  const files = libraryFiles(guest);
  const open = new Map<string, Variant>(variants.map((variant) => [pathOf(variant.drift), variant]));
  const reasons = new Map<string, string>();
  const needs = new Map<string, string[]>();
  for (const [path, { needed, drift }] of open) {
    if (needed === undefined || drift.template === undefined) reasons.set(path, "it cannot be read");
    const found: string[] = [];
    for (const name of needed ?? []) {
      const candidates = files.get(name) ?? [];
      if (candidates.length === 0) reasons.set(path, `${name}, which it needs, is not in the guest`);
      found.push(...candidates);
    }
    needs.set(path, found);
  }
  // What depends on something left alone is left alone too, until nothing changes any more; each round takes one at least.
  for (let changed = true; changed; ) {
    changed = false;
    for (const path of open.keys()) {
      if (reasons.has(path)) continue;
      const obstacle = needs.get(path)?.find((library) => !isSame(library) && (!open.has(library) || reasons.has(library)));
      if (obstacle === undefined) continue;
      reasons.set(path, `${obstacle}, which it needs, differs from the template's otherwise`);
      changed = true;
    }
  }
  const order = inOrder([...open.keys()].filter((path) => !reasons.has(path)), needs);
  return {
    adopt: order.flatMap((path) => open.get(path)?.drift.template ?? []),
    leave: [...reasons].flatMap(([path, reason]) => {
      const entry = open.get(path)?.drift.guest;
      return entry === undefined ? [] : [{ entry, reason }];
    }),
  };
}

function pathOf({ template, guest }: Drift): string {
  return (guest ?? template)?.path.toString("latin1") ?? "";
}

/** The files that each library name stands for: by its own name, or by symbolic links in its directory. */
function libraryFiles(guest: readonly TreeEntry[]): Map<string, string[]> {
  const byPath = new Map(guest.map((entry) => [entry.path.toString("latin1"), entry]));
  const files = new Map<string, string[]>();
  for (const [path, entry] of byPath) {
    const name = path.slice(path.lastIndexOf("/") + 1);
    // A library's name says so; everything else would only cost memory.
    if (!/\.so(?:\.|$)|^ld[-.]/u.test(name)) continue;
    const target = follow(path, entry, byPath);
    if (target !== undefined) files.set(name, [...(files.get(name) ?? []), target]);
  }
  return files;
}

/** Links in a chain; the kernel's own limit is 40. */
const longestChain = 40;

function follow(from: string, first: TreeEntry, byPath: ReadonlyMap<string, TreeEntry>): string | undefined {
  let path = from;
  let entry: TreeEntry | undefined = first;
  for (let step = 0; step < longestChain && entry !== undefined; step++) {
    if (entry.type === "file") return path;
    if (entry.type !== "symlink" || entry.target === undefined) return undefined;
    path = resolved(path, entry.target.toString("latin1"));
    entry = byPath.get(path);
  }
  return undefined;
}

function resolved(link: string, target: string): string {
  const parts = target.startsWith("/") ? [] : link.split("/").slice(0, -1);
  for (const part of target.split("/")) {
    if (part === "..") parts.pop();
    else if (part !== "" && part !== ".") parts.push(part);
  }
  return parts.join("/");
}

/** Libraries before what needs them; a cycle is broken where it is met. */
function inOrder(paths: readonly string[], needs: ReadonlyMap<string, readonly string[]>): string[] {
  const wanted = new Set(paths);
  const done = new Set<string>();
  const visit = (path: string): void => {
    if (!wanted.has(path) || done.has(path)) return;
    done.add(path);
    for (const library of needs.get(path) ?? []) visit(library);
    order.push(path);
  };
  const order: string[] = [];
  for (const path of paths) visit(path);
  return order;
}
