import { closeSync, constants, existsSync, openSync, readdirSync, readFileSync, rmdirSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { type JournalRoot, recoverRun } from "@samepage/linux";
import { escapeName } from "./escape-name.ts";
import { openGuestRoots } from "./guest-root.ts";
import { PoolPlace, runsPath } from "./pool-place.ts";
import { RunControl } from "./run-control.ts";
import { UnifyError } from "./unify-error.ts";
import type { UnifyOptions } from "./unify-options.ts";
import type { UnifyReport } from "./unify-report.ts";

type Failure = UnifyReport["failures"][number];

/** Directory times and the quarantine's own are set one after the other within one call; this covers the difference. */
const slackNs = 10_000_000n;

/**
 * Settles what runs that were killed left on this file system. The caller holds the place, so none of them is alive.
 * @param failures gets the objects that were written to while a killed run had lifted their flag
 * @param own the caller's own run, which is left alone
 * @throws UnifyError state-damaged
 */
export async function recoverRuns(place: PoolPlace, failures: Failure[], own?: string): Promise<void> {
  for (const name of readdirSync(place.runs)) {
    const path = join(place.runs, name);
    if (path !== own) for (const object of await recoverOne(path)) failures.push(toFailure(place.pool, object));
  }
}

function toFailure(pool: string, object: string): Failure {
  const message = "was written to while an interrupted run had its immutable flag lifted: the files that share it show what was written; nothing else will be linked to it";
  return { guest: "pool", path: escapeName(Buffer.from(pool).toString("latin1") + object), code: "object-changed", message };
}

/** Settles interrupted runs on the guests' file systems, before a new one looks at them. */
export async function recoverBefore(options: UnifyOptions): Promise<readonly Failure[]> {
  const failures: Failure[] = [];
  using roots = openGuestRoots(options.guests);
  using run = new RunControl({ signal: options.signal, deadline: options.deadline });
  for (const top of new Set(roots.all.map((root) => root.top))) {
    if (run.stopped !== undefined || !existsSync(runsPath(top)) || readdirSync(runsPath(top)).length === 0) continue;
    using place = await PoolPlace.take(top, run.signal);
    await recoverRuns(place, failures);
  }
  return failures;
}

/** @returns damaged objects */
async function recoverOne(path: string): Promise<readonly string[]> {
  const quarantinePath = join(path, "quarantine");
  // Killed while making or removing the run's directory: nothing was exchanged, or all is settled.
  if (!existsSync(quarantinePath)) {
    rmSync(path, { recursive: true, force: true });
    return [];
  }
  const damaged: string[] = [];
  let pending = 0;
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
    }
  } catch (cause) {
    throw new UnifyError("state-damaged", path, "what an interrupted run left cannot be settled", "See the cause; nothing was deleted.", { cause });
  } finally {
    for (const root of roots) if (typeof root === "number") closeSync(root);
  }
  if (pending > 0) return damaged;
  // rmdir, not a recursive delete: a file that appeared here is never lost.
  for (const place of places) rmdirSync(place);
  rmSync(path, { recursive: true, force: true });
  return damaged;
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
