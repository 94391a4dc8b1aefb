import { availableParallelism } from "node:os";
import { indexRecords, showsAlone, type SwapOutcome } from "@samepage/linux";
import { deviceText } from "./held-inodes.ts";
import { readIndex, writeIndex } from "./index-file.ts";
import { measurePageCache } from "./page-cache.ts";
import type { PreparedPlan } from "./plan-unify.ts";
import type { RunControl } from "./run-control.ts";
import { readStillMapping, type ReplacedInode } from "./still-mapping.ts";
import type { UnifyReport } from "./unify-report.ts";

/** What a run looks at once its swaps are done. */
export class AfterApply {
  readonly #plan: PreparedPlan;
  readonly #prepared: NonNullable<PreparedPlan["prepared"]>;
  /** Canonical inode by displaced inode + 1; 0 for inodes that keep their names. */
  readonly #canonical: Uint32Array;

  constructor(plan: PreparedPlan, prepared: NonNullable<PreparedPlan["prepared"]>, outcome: (inode: number) => SwapOutcome) {
    this.#plan = plan;
    this.#prepared = prepared;
    this.#canonical = new Uint32Array(prepared.candidates.inodeCount);
    const { words } = prepared.swaps;
    for (let at = 0; at < words.length; at += 2 + (words[at + 1] ?? 0)) {
      for (const member of words.subarray(at + 2, at + 2 + (words[at + 1] ?? 0))) {
        if (outcome(member).state === "done") this.#canonical[member] = (words[at] ?? 0) + 1;
      }
    }
  }

  /** Page cache that is shared now, and processes that still map what was replaced. */
  async measure(guests: readonly string[], run: RunControl): Promise<Pick<UnifyReport, "pageCache" | "stillMapping">> {
    const { tree } = this.#prepared;
    const pageCache = await measurePageCache(tree, this.#plan.settings.threads ?? availableParallelism(), run.job, this.#shown());
    const replacedAny = this.#canonical.some((canonical) => canonical > 0);
    return { pageCache, stillMapping: replacedAny ? await readStillMapping((inos) => this.#replaced(guests, inos), run.signal) : [] };
  }

  /** Remembers for the next run what was read. */
  async writeIndex(): Promise<void> {
    const { tree, candidates } = this.#prepared;
    const gone = Uint8Array.from({ length: candidates.inodeCount }, (_, inode) => (this.#canonical[inode] === 0 ? 0 : 1));
    const { stateDir } = this.#plan.settings;
    const records = await indexRecords(tree, gone, readIndex(stateDir));
    if (records !== undefined) writeIndex(stateDir, records);
  }

  /** By inode, the row whose inode its names have now, where that inode has several names. */
  #shown(): Uint32Array {
    const { tree, candidates, swaps } = this.#prepared;
    const shown = new Uint32Array(candidates.inodeCount).fill(showsAlone);
    for (let inode = 0; inode < shown.length; inode++) {
      const canonical = this.#canonical[inode] ?? 0;
      const row = candidates.row(canonical > 0 ? canonical - 1 : inode);
      if (canonical > 0 || tree.links(row) > 1 || swaps.fate.get(inode) === "canonical") shown[inode] = row;
    }
    return shown;
  }

  #replaced(guests: readonly string[], inos: ReadonlySet<number>): ReplacedInode[] {
    const { tree, candidates } = this.#prepared;
    const devices = this.#plan.guestDevices.map(deviceText);
    const found: ReplacedInode[] = [];
    for (let inode = 0; inode < candidates.inodeCount; inode++) {
      if (this.#canonical[inode] === 0 || !inos.has(tree.ino(candidates.row(inode)))) continue;
      const row = candidates.row(inode);
      found.push({ device: devices[tree.guest(row)] ?? "", ino: tree.ino(row), guest: guests[tree.guest(row)] ?? "" });
    }
    return found;
  }
}
