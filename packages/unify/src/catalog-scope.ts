import { describeBelow, type Candidates, type Tree } from "@samepage/linux";
import type { Space } from "./file-system-group.ts";
import type { RunControl } from "./run-control.ts";

/**
 * What a trust domain's templates consist of, for runs that leave everything else alone. Both answers only propose: a wrong
 * yes costs a comparison, because nothing is shared before its bytes were compared.
 */
export interface CatalogScope {
  /** Whether a template has a file of that many bytes: if not, it is not even read. */
  hasSize(bytes: number): boolean;
  /** Whether a template has a file with this SHA-256. */
  hasDigest(digest: Uint8Array): boolean;
}

/** Files hashed by one call: enough to keep a thread busy, few enough that the signal is heard. */
const batchSize = 256;

/** Sets the files aside whose size no template of their domain has; they are neither read nor shared. */
export function leaveOutUnknownSizes(tree: Tree, spaces: readonly Space[], catalogOf: (domain: string) => CatalogScope): void {
  const scopes = spaces.map(({ domain }) => catalogOf(domain));
  for (let row = 0; row < tree.rowCount; row++) {
    if (!tree.isUsed(row) || tree.isPool(row)) continue;
    const scope = scopes[tree.space(row)];
    if (scope !== undefined && !scope.hasSize(tree.size(row))) tree.leaveOut(row);
  }
}

/**
 * Finds the inodes of groups whose content no template of their domain has. One file of each group is hashed, unless an
 * object of the pool already carries the digest in its name; the others of the group are compared with it later anyway.
 * @param roots open root directory of each guest, numbered as in the tree
 * @returns by inode, 1 for those that are left alone
 * @throws LinuxError ECANCELED, ENOMEM
 */
export async function findUncovered(tree: Tree, candidates: Candidates, spaces: readonly Space[], catalogOf: (domain: string) => CatalogScope, roots: readonly number[], run: RunControl): Promise<Uint8Array> {
  const uncovered = new Uint8Array(candidates.inodeCount);
  const scopes = spaces.map(({ domain }) => catalogOf(domain));
  /** By guest: the file that stands for each group that no pool object names. */
  const unnamed = new Map<number, { group: number; path: Buffer }[]>();
  const decide = (group: number, digest: Uint8Array | undefined) => {
    const inodes = members(candidates, group);
    const scope = scopes[tree.space(candidates.row(inodes[0] ?? 0))];
    if (digest !== undefined && scope?.hasDigest(digest) === true) return;
    for (const inode of inodes) uncovered[inode] = 1;
  };
  for (let group = 0; group + 1 < candidates.groupStart.length; group++) {
    const rows = Array.from(members(candidates, group), (inode) => rowsOf(candidates, inode)).flat();
    const pooled = rows.find((row) => tree.isPool(row));
    const row = rows[0] ?? 0;
    if (pooled !== undefined) decide(group, Buffer.from(tree.name(pooled).slice(0, 64), "hex"));
    else {
      const files = unnamed.get(tree.guest(row)) ?? [];
      files.push({ group, path: Buffer.from(tree.path(row).slice(1), "latin1") });
      unnamed.set(tree.guest(row), files);
    }
  }
  for (const [guest, files] of unnamed) {
    for (let from = 0; from < files.length; from += batchSize) {
      const batch = files.slice(from, from + batchSize);
      const described = await describeBelow(roots[guest] ?? -1, batch.map(({ path }) => path), run.job);
      for (const [at, { group }] of batch.entries()) {
        const found = described[at];
        decide(group, found?.error === undefined && found?.changed === false ? found.digest : undefined);
      }
    }
  }
  return uncovered;
}

function members(candidates: Candidates, group: number): Uint32Array {
  return candidates.grouped.subarray(candidates.groupStart[group], candidates.groupStart[group + 1]);
}

function rowsOf(candidates: Candidates, inode: number): number[] {
  const first = candidates.firstName(inode);
  return Array.from(candidates.order.subarray(first, first + candidates.names(inode)));
}
