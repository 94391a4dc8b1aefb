import { countOf } from "../share.ts";
import type { Gate } from "./gate.ts";
import type { HostSample } from "./host-sample.ts";

/** What the gates say together: `fail` if one fails, else `wait` if one lacks readings, else `pass`. */
export interface GateVerdict {
  readonly verdict: "pass" | "wait" | "fail";
  /** One sentence per gate that does not pass. */
  readonly reasons: readonly string[];
}

/** A wave's host that has finished. */
interface Finished {
  readonly host: string;
  readonly outcome: "succeeded" | "failed";
}

/**
 * Judges a wave by its gates.
 * @param finished the wave's hosts with a result; skipped hosts have nothing to judge.
 * @param since samples taken before this moment (ms since the epoch) say nothing about the wave's effect and do not count.
 */
export function evaluateGates(gates: readonly Gate[], finished: readonly Finished[], samples: ReadonlyMap<string, HostSample>, since: number): GateVerdict {
  let verdict: GateVerdict["verdict"] = "pass";
  const reasons: string[] = [];
  for (const gate of gates) {
    const one = evaluateGate(gate, finished, samples, since);
    if (one.verdict === "pass") continue;
    reasons.push(one.reason);
    if (verdict !== "fail") verdict = one.verdict;
  }
  return { verdict, reasons };
}

type Reading = { readonly verdict: "pass" } | { readonly verdict: "wait" | "fail"; readonly reason: string };

function evaluateGate(gate: Gate, finished: readonly Finished[], samples: ReadonlyMap<string, HostSample>, since: number): Reading {
  if (gate.kind === "jobs") {
    const failed = finished.filter(({ outcome }) => outcome === "failed").length;
    const allowed = countOf(gate.maxFailed, finished.length);
    return failed > allowed ? { verdict: "fail", reason: `${failed} of ${finished.length} jobs failed, ${gate.maxFailed} may` } : { verdict: "pass" };
  }
  const bad: string[] = [];
  let missing = 0;
  for (const { host, outcome } of finished) {
    const sample = samples.get(host);
    // A failed host may well be the silent one; its failure is the budget's matter.
    if (sample === undefined || sample.at < since) missing += outcome === "succeeded" ? 1 : 0;
    else {
      const complaint = complaintOf(gate, sample);
      if (complaint !== null) bad.push(`${host}: ${complaint}`);
    }
  }
  const allowed = gate.kind === "psi" ? countOf(gate.except, finished.length) : 0;
  if (bad.length > allowed) return { verdict: "fail", reason: listed(bad) };
  if (missing > 0) return { verdict: "wait", reason: `${missing === 1 ? "1 host has" : `${missing} hosts have`} not reported on ${gate.kind} since the wave's end` };
  return { verdict: "pass" };
}

function complaintOf(gate: Exclude<Gate, { kind: "jobs" }>, sample: HostSample): string | null {
  switch (gate.kind) {
    case "psi": {
      // A kernel without PSI has no pressure to show; `samepage doctor` says so, and the gate does not hold the fleet up for it.
      const pressure = sample.psi?.[gate.resource] ?? 0;
      return pressure > gate.maxPercent ? `${gate.resource} pressure ${pressure} %, ${gate.maxPercent} % may be` : null;
    }
    case "guests":
      return sample.guestsDown.length > 0 ? `guests down: ${listed(sample.guestsDown)}` : null;
    case "ksm":
      return sample.ksmBackOff === null ? null : `KSM backed off: ${sample.ksmBackOff}`;
  }
}

/** The first three of a list, and how many more there are. */
function listed(items: readonly string[]): string {
  const shown = items.slice(0, 3).join(", ");
  return items.length > 3 ? `${shown} and ${items.length - 3} more` : shown;
}
