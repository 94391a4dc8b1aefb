import { closeSync, constants, existsSync, openSync, readdirSync, readFileSync, rmdirSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { type JournalRoot, recoverRun } from "@samepage/linux";
import { escapeName } from "./escape-name.ts";
import { type PoolPlace, runsPath } from "./pool-place.ts";
import { UnifyError } from "./unify-error.ts";
import type { UnifyReport } from "./unify-report.ts";

type Failure = UnifyReport["failures"][number];

/** Directory times and the quarantine's own are set one after the other within one call; this covers the difference. */
const slackNs = 10_000_000n;

/**
 * Settles what runs that were killed left on this file system. The caller holds the place, so none of them is alive.
 * @param failures gets the objects that were written to while a killed run had lifted their flag
 * @returns whether there was anything that could be settled
 * @throws UnifyError state-damaged
 */
export async function recoverRuns(place: PoolPlace, failures: Failure[]): Promise<boolean> {
  let any = false;
  for (const name of readdirSync(place.runs)) {
    const { damaged, settled } = await recoverOne(join(place.runs, name));
    for (const object of damaged) failures.push(toFailure(place.pool, object));
    any ||= settled;
  }
  return any;
}

function toFailure(pool: string, object: string): Failure {
  const message = "was written to while an interrupted run had its immutable flag lifted: the files that share it show what was written; nothing else will be linked to it";
  return { guest: "pool", path: escapeName(Buffer.from(pool).toString("latin1") + object), code: "object-changed", message };
}

/** Whether a run is at work on this file system, or one that was killed has left something there. */
export function hasRuns(top: string): boolean {
  return existsSync(runsPath(top)) && readdirSync(runsPath(top)).length > 0;
}

interface Settled {
  /** Objects, by their paths in the pool. */
  readonly damaged: readonly string[];
  /** Whether anything was done; not where all that is left belongs to guests that are out of reach. */
  readonly settled: boolean;
}

async function recoverOne(path: string): Promise<Settled> {
  const quarantinePath = join(path, "quarantine");
  // Killed while making or removing the run's directory: nothing was exchanged, or all is settled.
  if (!existsSync(quarantinePath)) {
    rmSync(path, { recursive: true, force: true });
    return { damaged: [], settled: true };
  }
  const damaged: string[] = [];
  let [pending, done] = [0, 0];
  const { guests, records } = readJournal(join(path, "journal"));
  const roots = guests.map(openRoot);
  const places = [...partsOf(quarantinePath), quarantinePath];
  try {
    // The run's last change is that of the part that changed last.
    const ended = places.map((place) => statSync(place, { bigint: true }).mtimeNs).reduce((last, time) => (time > last ? time : last)) + slackNs;
    for (const place of places) {
      const settled = await recoverPlace(place, roots, records, ended);
      damaged.push(...settled.damaged);
      pending += settled.pending;
      done += settled.restored + settled.completed;
    }
  } catch (cause) {
    throw new UnifyError("state-damaged", path, "what an interrupted run left cannot be settled", "See the cause; nothing was deleted.", { cause });
  } finally {
    for (const root of roots) if (typeof root === "number") closeSync(root);
  }
  if (pending > 0) return { damaged, settled: done + damaged.length > 0 };
  // rmdir, not a recursive delete: a file that appeared here is never lost.
  for (const place of places) rmdirSync(place);
  rmSync(path, { recursive: true, force: true });
  return { damaged, settled: true };
}

/** The directories in a quarantine: each thread that swaps has its own. */
function partsOf(quarantine: string): string[] {
  return readdirSync(quarantine, { withFileTypes: true }).flatMap((entry) => (entry.isDirectory() ? [join(quarantine, entry.name)] : []));
}

async function recoverPlace(place: string, roots: readonly JournalRoot[], records: Uint8Array, ended: bigint): ReturnType<typeof recoverRun> {
  const quarantine = openSync(place, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  try {
    return await recoverRun(quarantine, roots, records, ended);
  } finally {
    closeSync(quarantine);
  }
}

function readJournal(path: string): { guests: string[]; records: Uint8Array } {
  const nothing = { guests: [], records: new Uint8Array() };
  if (!existsSync(path)) return nothing;
  const bytes = readFileSync(path);
  const end = bytes.indexOf(0x0a);
  // Without its first line the journal was never finished, and without a finished journal nothing is exchanged.
  if (end < 0) return nothing;
  const header: unknown = JSON.parse(bytes.toString("utf8", 0, end));
  if (typeof header !== "object" || header === null || !("guests" in header) || !Array.isArray(header.guests)) {
    throw new UnifyError("state-damaged", path, "is not a journal of this version", "Recover with the version that wrote it, or move the run's directory away.");
  }
  return { guests: header.guests.map(String), records: bytes.subarray(end + 1) };
}

function openRoot(path: string): JournalRoot {
  try {
    return openSync(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "ENOENT" ? "gone" : "unreachable";
  }
}

/** How many files interrupted runs have left in quarantine. */
export function countPending(runs: string): number {
  if (!existsSync(runs)) return 0;
  const quarantines = readdirSync(runs).map((name) => join(runs, name, "quarantine")).filter((path) => existsSync(path));
  const places = [...quarantines, ...quarantines.flatMap((path) => partsOf(path))];
  return places.reduce((sum, place) => sum + readdirSync(place, { withFileTypes: true }).filter((entry) => !entry.isDirectory()).length, 0);
}
