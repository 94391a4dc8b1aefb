import { readFileSync } from "node:fs";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { readCounters } from "./counters.ts";
import { KsmError } from "./ksm-error.ts";
import type { KsmPaths } from "./ksm-paths.ts";
import { readKnobs, writeKnob } from "./knob-files.ts";
import { planKnobs } from "./knob-plan.ts";
import type { KnobStep } from "./knob-plan.ts";
import { KNOB_NAMES } from "./knobs.ts";
import type { Knobs } from "./knobs.ts";
import { bootId, readState, removeState, withStateLock, writeState } from "./state-file.ts";
import type { KsmState } from "./state-file.ts";

/**
 * Writes the wanted knobs as one transaction: planned and validated first, the state before recorded on disk before the
 * first write, every write read back, and all of them undone in reverse if one fails.
 * @returns the writes made, in order; empty when everything had its value already
 * @throws KsmError with nothing changed
 */
export async function applyKnobs(paths: KsmPaths, wanted: Knobs): Promise<KnobStep[]> {
  const current = readKnobs(paths.sysfs);
  planKnobs(current, wanted, readCounters(paths.sysfs).pagesShared); // bad input is refused before even the lock is touched
  return withStateLock(paths.state, () => {
    const now = readKnobs(paths.sysfs);
    const steps = planKnobs(now, wanted, readCounters(paths.sysfs).pagesShared);
    const recorded = readState(paths.state, bootId(paths.proc));
    const old = recorded ?? firstState(paths, now);
    const next = { ...old, written: ours({ ...old.written, ...wanted }) };
    // `written` names them before they are written: after a crash in between, they are known as ours.
    if (recorded === undefined || !isDeepStrictEqual(next, old)) writeState(paths.state, next);
    try {
      run(paths.sysfs, steps, now.pages_to_scan);
    } catch (error) {
      if (recorded === undefined) removeState(paths.state);
      else writeState(paths.state, recorded);
      throw error;
    }
    return steps;
  });
}

/** While the advisor is on it writes pages_to_scan: a value found there is no foreign hand. */
function ours(written: Knobs): Knobs {
  if (written.advisor_mode !== "scan-time") return written;
  const { pages_to_scan: _, ...rest } = written;
  return rest;
}

function run(sysfs: string, steps: readonly KnobStep[], pagesToScan: number | undefined): void {
  const made: KnobStep[] = [];
  try {
    for (const step of steps) {
      made.push(step);
      writeKnob(sysfs, step.knob, step.to);
    }
  } catch (error) {
    const stuck: string[] = [];
    for (const step of made.toReversed()) {
      try {
        writeKnob(sysfs, step.knob, step.from);
      } catch {
        stuck.push(step.knob);
      }
    }
    // Leaving the advisor reset this one behind our back.
    if (made.some((step) => step.knob === "advisor_mode" && step.from === "none") && pagesToScan !== undefined) writeKnob(sysfs, "pages_to_scan", pagesToScan);
    if (stuck.length > 0)
      throw new KsmError("io", stuck.join(", "), "could neither be changed nor put back", "samepage ksm status shows what they are now", error);
    throw error;
  }
}

/** The record of an untouched host. */
export function firstState(paths: KsmPaths, now: Knobs): KsmState {
  const counters = readCounters(paths.sysfs);
  return {
    version: 1,
    bootId: bootId(paths.proc),
    before: now,
    memAvailableBefore: memAvailable(paths.proc),
    mergedBefore: counters.pagesShared > 0 || counters.zeroPages > 0,
    written: {},
    enrolled: [],
  };
}

/** MemAvailable in bytes. */
export function memAvailable(proc: string): number {
  const match = /^MemAvailable:\s+(\d+) kB/mu.exec(readFileSync(join(proc, "meminfo"), "utf8"));
  return Number(match?.[1] ?? 0) * 1024;
}

/**
 * Puts every knob back to what it was before our first write, and forgets the record. Call it when nothing that we
 * merged is left, or the knobs that need an un-merged host stay as they are and the error says so.
 * pages_to_scan is left to the advisor when the advisor was on before.
 * @returns the writes made
 */
export async function restoreKnobs(paths: KsmPaths): Promise<KnobStep[]> {
  return withStateLock(paths.state, () => {
    const state = readState(paths.state, bootId(paths.proc));
    if (state === undefined) return [];
    const current = readKnobs(paths.sysfs);
    const wanted: Knobs = {};
    for (const name of KNOB_NAMES) {
      const value = state.before[name];
      if (value === undefined || current[name] === undefined) continue;
      if (name === "pages_to_scan" && state.before.advisor_mode === "scan-time") continue;
      Object.assign(wanted, { [name]: value });
    }
    // Left by an un-merge, run reads 2; a record of run=2 means just as much stopped, and writing 2 would un-merge again.
    if (wanted.run === 2) Object.assign(wanted, { run: 0 });
    const steps = planKnobs(current, wanted, readCounters(paths.sysfs).pagesShared);
    run(paths.sysfs, withPagesToScan(steps, current, wanted), undefined);
    removeState(paths.state);
    return steps;
  });
}

/** Leaving the advisor resets pages_to_scan to the kernel's default, so it is written even where it looks right already. */
function withPagesToScan(steps: readonly KnobStep[], current: Knobs, wanted: Knobs): readonly KnobStep[] {
  const leaving = steps.findIndex((step) => step.knob === "advisor_mode" && step.to === "none");
  if (leaving < 0 || wanted.pages_to_scan === undefined || steps.some((step) => step.knob === "pages_to_scan")) return steps;
  const step: KnobStep = { knob: "pages_to_scan", from: current.pages_to_scan ?? wanted.pages_to_scan, to: wanted.pages_to_scan };
  return steps.toSpliced(leaving + 1, 0, step);
}
