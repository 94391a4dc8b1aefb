import { readCounters } from "./counters.ts";
import type { Counters } from "./counters.ts";
import { foreignChanges, foreignTuners } from "./foreign-writers.ts";
import type { ForeignChange, ForeignTuner } from "./foreign-writers.ts";
import type { KsmPaths } from "./ksm-paths.ts";
import { readKnobs } from "./knob-files.ts";
import type { Knobs } from "./knobs.ts";
import type { Ledger } from "./ledger.ts";
import { readLedger } from "./read-ledger.ts";
import type { GuestOf } from "./read-ledger.ts";
import { bootId, readState } from "./state-file.ts";

/** All that there is to know about KSM on this host. */
export interface KsmStatus {
  readonly knobs: Knobs;
  readonly counters: Counters;
  /** The knobs as they were before our first change; `undefined`: we have changed nothing. */
  readonly before: Knobs | undefined;
  /** Processes that we opted in and have not opted out. */
  readonly enrolled: number;
  readonly foreign: { readonly changes: readonly ForeignChange[]; readonly tuners: readonly ForeignTuner[] };
  readonly ledger: Ledger;
}

/** @throws KsmError no-ksm when the kernel has no KSM */
export async function ksmStatus(paths: KsmPaths, options: { readonly guestOf?: GuestOf; readonly signal?: AbortSignal } = {}): Promise<KsmStatus> {
  const knobs = readKnobs(paths.sysfs);
  const state = readState(paths.state, bootId(paths.proc));
  return {
    knobs,
    counters: readCounters(paths.sysfs),
    before: state?.before,
    enrolled: state?.enrolled.length ?? 0,
    foreign: { changes: foreignChanges(state?.written ?? {}, knobs), tuners: await foreignTuners(paths.proc, options.signal) },
    ledger: await readLedger(paths, options.guestOf, options.signal),
  };
}
