import { type Candidates, type PlainPlan, planPlainGroups, type Tree } from "@samepage/linux";
import { canShareExtents } from "./choose-strategy.ts";
import type { Space } from "./file-system-group.ts";
import { deviceText, type HeldInodes, inodeKey } from "./held-inodes.ts";
import { linkLimit } from "./link-limit.ts";
import type { InodeFacts } from "./plan-swaps.ts";
import type { SkipReason } from "./skip-reason.ts";

interface SpaceFacts {
  readonly shares: "links" | "extents";
  readonly limit: number;
  /** Whether a write through one name leaves the others where they are. */
  readonly partsNames: boolean;
  /** Whether a writer who is just opening an object while its immutable flag is lifted comes through. */
  readonly seals: boolean;
  readonly holdsTogether: boolean;
  readonly devices: readonly string[];
}

/**
 * File systems that ask for the immutable flag at each write (ext4_write_checks, ext4_page_mkwrite); others only when a file
 * is opened. The flag must be lifted to add a name; whoever opens the object for writing in that moment waits for our lease
 * and goes on after it, with the flag set again but past its check: elsewhere he would write to what all others share.
 */
const refusesOpenWriters: ReadonlySet<string> = new Set(["ext4"]);

/** The scanned tree as the planner asks for it. */
export class InodeTable implements InodeFacts {
  readonly #tree: Tree;
  readonly #candidates: Candidates;
  readonly #spaces: readonly SpaceFacts[];
  readonly #held: HeldInodes;
  /** Their numbers alone: nearly every inode is told from them without making its key. */
  readonly #heldNumbers: ReadonlySet<number>;
  readonly #uncovered: Uint8Array | undefined;

  /** @param uncovered by inode, 1 for those that no template has, in a run that is limited to templates */
  constructor(tree: Tree, candidates: Candidates, spaces: readonly Space[], held: HeldInodes, uncovered?: Uint8Array) {
    this.#tree = tree;
    this.#candidates = candidates;
    // /proc/locks names the file system's own device; on btrfs st_dev is another one.
    this.#spaces = spaces.map(({ group }) => ({
      shares: group.chosen.strategy === "reflink" ? "extents" : "links",
      limit: linkLimit(group.type),
      partsNames: group.chosen.strategy === "hardlink" && group.chosen.guard === "cow",
      seals: !refusesOpenWriters.has(group.type),
      holdsTogether: canShareExtents(group.type),
      devices: [...new Set(group.guests.flatMap((root) => [root.mount.device, deviceText(root.device)]))],
    }));
    this.#held = held;
    this.#heldNumbers = new Set([...held.locked, ...held.swap].map((key) => Number(key.slice(key.lastIndexOf(":") + 1))));
    this.#uncovered = uncovered;
  }

  /** Decides in bulk about the groups in which there is nothing else to ask. In a run that is limited to templates each inode is asked about. */
  planPlain(): PlainPlan {
    const limited = this.#uncovered !== undefined;
    const spaces = this.#spaces.map(({ shares, limit, partsNames }) => ({ links: shares === "links" && !limited, linkLimit: limit, partsNames }));
    return planPlainGroups(this.#tree, this.#candidates, spaces, [...this.#heldNumbers]);
  }

  ino(inode: number): number {
    return this.#tree.ino(this.#candidates.row(inode));
  }
  links(inode: number): number {
    return this.#tree.links(this.#candidates.row(inode));
  }
  names(inode: number): number {
    return this.#candidates.names(inode);
  }
  ctime(inode: number): number {
    return this.#tree.changed(this.#candidates.row(inode));
  }
  isPooled(inode: number): boolean {
    const first = this.#candidates.firstName(inode);
    for (let name = first; name < first + this.#candidates.names(inode); name++) {
      if (this.#tree.isPool(this.#candidates.order[name] ?? 0)) return true;
    }
    return false;
  }
  isSealed(inode: number): boolean {
    return this.#space(inode)?.seals === true && this.#tree.isImmutable(this.#candidates.row(inode));
  }
  /** Whether there are inodes of which `mayHoldTogether` is true. */
  get anyMayHoldTogether(): boolean {
    return this.#spaces.some(({ holdsTogether }) => holdsTogether);
  }
  /** Whether what the inode frees is not told by its blocks alone. */
  mayHoldTogether(inode: number): boolean {
    return this.#space(inode)?.holdsTogether === true;
  }
  linkLimit(inode: number): number {
    return this.#space(inode)?.limit ?? 1;
  }
  shares(inode: number): "links" | "extents" {
    return this.#space(inode)?.shares ?? "links";
  }
  hindrance(inode: number): SkipReason | undefined {
    // What is shared already stays shared.
    if (this.#uncovered?.[inode] === 1 && !this.isPooled(inode)) return "not-in-template";
    if (this.#space(inode)?.partsNames === true && this.#hasOwnLinks(inode) && !this.isPooled(inode)) return "own-links";
    if (this.shares(inode) === "extents" && this.#tree.isImmutable(this.#candidates.row(inode))) return "immutable";
    if (this.#heldNumbers.size === 0 || !this.#heldNumbers.has(this.ino(inode))) return undefined;
    const keys = this.#space(inode)?.devices.map((device) => inodeKey(device, this.ino(inode))) ?? [];
    if (keys.some((key) => this.#held.locked.has(key))) return "locked";
    return keys.some((key) => this.#held.swap.has(key)) ? "swap-file" : undefined;
  }

  /** Whether one guest has several of its names. */
  #hasOwnLinks(inode: number): boolean {
    if (this.#candidates.names(inode) === 1) return false;
    const first = this.#candidates.firstName(inode);
    const guests = Array.from(this.#candidates.order.subarray(first, first + this.#candidates.names(inode)), (row) => this.#tree.guest(row));
    return new Set(guests).size < guests.length;
  }

  #space(inode: number): SpaceFacts | undefined {
    return this.#spaces[this.#tree.space(this.#candidates.row(inode))];
  }
}
