import { readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { listProcesses } from "./guest-processes.ts";
import { KsmError } from "./ksm-error.ts";
import { KNOB_NAMES } from "./knobs.ts";
import type { KnobName, Knobs, KnobValue } from "./knobs.ts";

/** A knob that holds something else than what we wrote. */
export interface ForeignChange {
  readonly knob: KnobName;
  readonly ours: KnobValue;
  readonly now: KnobValue;
}

/** A process known to write KSM's knobs. */
export interface ForeignTuner {
  readonly pid: number;
  readonly name: string;
}

/** Programs that write KSM's knobs, by the name of their process: Debian's and RHEL's ksmtuned, oVirt, KubeVirt, kata. */
const TUNERS = ["ksmtuned", "momd", "virt-handler", "ksm-throttler"];

/** Knobs that somebody else changed since we wrote them; pure. */
export function foreignChanges(written: Knobs, current: Knobs): ForeignChange[] {
  return KNOB_NAMES.flatMap((knob) => {
    const ours = written[knob];
    const now = current[knob];
    return ours === undefined || now === undefined || ours === now ? [] : [{ knob, ours, now }];
  });
}

/** Other tuners running now. Scripts are found by the name of their file: their process may be called after the interpreter. */
export async function foreignTuners(proc: string, signal?: AbortSignal): Promise<ForeignTuner[]> {
  const found: ForeignTuner[] = [];
  for (const { pid, comm, state } of await listProcesses(proc, signal)) {
    if (state === "Z" || pid === process.pid) continue;
    const named = TUNERS.find((tuner) => comm === tuner.slice(0, 15));
    // First who it is: the command line of a guest's process may lie in memory that a FUSE daemon of the guest's never fills.
    if ((named === undefined && !isScript(comm)) || !isHostRoot(proc, pid)) continue;
    const name = named ?? scriptName(proc, pid);
    if (name !== undefined) found.push({ pid, name });
  }
  return found;
}

/**
 * Only the host's root writes the knobs: anybody else who takes such a name must not keep KSM from being tuned. A privileged
 * container's root has the same number, but a pid namespace of its own; KubeVirt's virt-handler runs in the host's.
 */
function isHostRoot(proc: string, pid: number): boolean {
  try {
    if (readlinkSync(join(proc, String(pid), "ns/pid")) !== readlinkSync(join(proc, "self/ns/pid"))) return false;
    // Real, effective, saved, file system: as this namespace sees them.
    return /^Uid:\t\d+\t0\t/mu.test(readFileSync(join(proc, String(pid), "status"), "utf8"));
  } catch {
    return false;
  }
}

function isScript(comm: string): boolean {
  return /^(ba|da)?sh$|^python/u.test(comm);
}

function scriptName(proc: string, pid: number): string | undefined {
  try {
    const script = readFileSync(join(proc, String(pid), "cmdline"), "utf8").split("\0")[1] ?? "";
    return TUNERS.find((tuner) => script.endsWith(`/${tuner}`));
  } catch {
    return undefined;
  }
}

/**
 * Refuses to tune beside another tuner: two of them writing the same knobs help nobody.
 * @throws KsmError other-tuner
 */
export async function requireNoTuner(proc: string, signal?: AbortSignal): Promise<void> {
  const [tuner] = await foreignTuners(proc, signal);
  if (tuner === undefined) return;
  throw new KsmError("other-tuner", `${tuner.name} (process ${tuner.pid})`, "tunes KSM on this host already", `stop it first (systemctl stop ${tuner.name}), or leave KSM to it`);
}
