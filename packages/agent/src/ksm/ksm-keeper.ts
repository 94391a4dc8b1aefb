import { setTimeout as sleep } from "node:timers/promises";
import type { KsmResult } from "@samepage/proto";
import { DEFAULT_LIMITS, enrollGuest, type EnrollReport, ksmOff, type KsmPaths, readKnobs, readLedger, runTuner, type TunerEvent } from "@samepage/ksm";
import type { Logger } from "pino";
import { AgentError } from "../agent-error.ts";
import type { DiscoveredGuest } from "../discovery/discover-guests.ts";
import { readIfThere, removeDurable, writeDurable } from "../durable-file.ts";

/** Keeps this host's KSM as the last rollout wanted it: over jobs, and over restarts of the agent. */
export interface KsmKeeper {
  /**
   * Opts the guests in and tunes until the host has settled; tuning then goes on.
   * @throws AgentError `ksm-domains`, or `ksm-backed-off` when merging made the host worse; KsmError
   */
  tune(guests: readonly DiscoveredGuest[], signal: AbortSignal): Promise<KsmResult>;
  /** Stops tuning and puts everything back. @throws KsmError `no-room` while memory lacks room for the private copies. */
  restore(signal: AbortSignal): Promise<KsmResult>;
  /** Why merging is held back now because of the load it caused, or was until the next tune; empty where it is not. */
  backOff(): string;
  /** Goes on tuning after the agent was restarted, if it was. */
  resume(): Promise<void>;
  /** Stops tuning; the knobs stay as they are. */
  close(): Promise<void>;
}

interface Loop {
  readonly stop: AbortController;
  readonly ended: Promise<void>;
  /** Resolves when the host has settled; rejects when the tuner backed off, yielded or failed. */
  readonly settled: Promise<void>;
}

/** Guests that have started again, or new processes that came in from outside, are opted in within this time, milliseconds. */
const enrolEveryMs = 30_000;

/** @param policy a file that exists while this host is to be tuned, with the roots of the guests that take part */
export function createKsmKeeper(paths: KsmPaths, policy: string, logger: Logger): KsmKeeper {
  let loop: Loop | undefined;
  let heldBack = "";

  const stopLoop = async (): Promise<void> => {
    loop?.stop.abort();
    await loop?.ended;
    loop = undefined;
  };

  const startLoop = (roots: readonly string[]): Loop => {
    const stop = new AbortController();
    const { promise: settled, resolve, reject } = Promise.withResolvers<undefined>();
    // Nobody may be waiting: what went wrong is in the log then.
    settled.catch(() => {});
    const onEvent = (event: TunerEvent): void => {
      if (event.kind === "decision") {
        logger.debug({ ksm: event.decision }, "ksm decision");
        if (event.decision.phase === "settled" || event.decision.phase === "steady") resolve(undefined);
        return;
      }
      logger.warn({ ksm: event }, "ksm backs off");
      // Who writes our knobs has no load to complain of; and calm leads back to normal.
      if (event.kind !== "foreign") heldBack = event.kind === "ladder" && event.to === "normal" ? "" : reasonOf(event);
      reject(new AgentError("ksm-backed-off", reasonOf(event), { hint: "see samepage ksm status on the host; roll back, or tune it with a lower ceiling there" }));
    };
    const enrolling = keepEnrolled(roots, stop.signal);
    const tuning = runTuner(paths, { signal: stop.signal, limits: DEFAULT_LIMITS, onEvent }).catch((error: unknown) => {
      logger.error({ err: error }, "ksm is tuned no more");
      reject(error instanceof Error ? error : new AgentError("internal", String(error)));
    });
    return { stop, ended: Promise.all([tuning, enrolling]).then(() => undefined), settled };
  };

  const keepEnrolled = async (roots: readonly string[], signal: AbortSignal): Promise<void> => {
    for (;;) {
      await sleep(enrolEveryMs, undefined, { signal }).catch(() => {});
      for (const directory of roots) {
        if (signal.aborted) return;
        await enrollGuest(paths, { by: "root", directory }, { signal }).catch((error: unknown) => {
          if (!signal.aborted) logger.warn({ err: error, guest: directory }, "ksm: the guest cannot be looked at");
        });
      }
      if (signal.aborted) return;
    }
  };

  return {
    tune: async (guests, signal) => {
      const begun = performance.now();
      const domains = new Set(guests.map(({ domain }) => domain));
      if (domains.size > 1) {
        throw new AgentError("ksm-domains", `the guests are of ${domains.size} domains: ${[...domains].join(", ")}`, { hint: "choose the guests of one domain by --guest" });
      }
      readKnobs(paths.sysfs); // a kernel without KSM is said so before anything is kept
      const roots = guests.map(({ path }) => path);
      await writeDurable(policy, JSON.stringify({ roots }));
      await stopLoop();
      heldBack = "";
      loop = startLoop(roots);
      const processes: Record<string, bigint> = {};
      for (const directory of roots) add(processes, await enrollGuest(paths, { by: "root", directory }, { signal }));
      const members = Number(processes["verified"] ?? 0n) + Number(processes["already"] ?? 0n);
      // Nobody takes part yet: guests that start later under a wrapper are merged then.
      if (members > 0) await untilSettled(loop.settled, signal);
      const { claimed, generalProfit } = await readLedger(paths, undefined, signal);
      return { processes, claimed: BigInt(claimed), generalProfit: BigInt(generalProfit ?? 0), restored: false, stopped: "", elapsedMs: elapsed(begun) };
    },
    restore: async (signal) => {
      const begun = performance.now();
      await stopLoop();
      heldBack = "";
      await removeDurable(policy);
      const { optedOut } = await ksmOff(paths, { signal });
      return { processes: { "opted-out": BigInt(optedOut) }, claimed: 0n, generalProfit: 0n, restored: true, stopped: "", elapsedMs: elapsed(begun) };
    },
    backOff: () => heldBack,
    resume: async () => {
      const kept = await readIfThere(policy);
      if (kept !== undefined) loop = startLoop(rootsIn(kept.toString()));
    },
    close: stopLoop,
  };
}

/** Only we write the file; one that cannot be read means that no guest is enrolled by itself. */
function rootsIn(text: string): readonly string[] {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== "object" || value === null || !("roots" in value) || !Array.isArray(value.roots)) return [];
    return value.roots.filter((root) => typeof root === "string");
  } catch {
    return [];
  }
}

function add(counts: Record<string, bigint>, report: EnrollReport): void {
  for (const [outcome, count] of Object.entries(report.counts)) counts[outcome] = (counts[outcome] ?? 0n) + BigInt(count);
}

/** @throws the signal's AbortError when it is over first */
async function untilSettled(settled: Promise<void>, signal: AbortSignal): Promise<void> {
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const abort = (): void => {
    reject(new DOMException("the job was stopped", "AbortError"));
  };
  signal.addEventListener("abort", abort, { once: true });
  if (signal.aborted) abort();
  await Promise.race([settled, aborted]).finally(() => {
    signal.removeEventListener("abort", abort);
  });
}

function reasonOf(event: Exclude<TunerEvent, { kind: "decision" }>): string {
  switch (event.kind) {
    case "foreign":
      return event.changes.map(({ knob, ours, now }) => `somebody else wrote ${knob}: ${now} instead of ${ours}`).join("; ");
    case "ladder":
      return `backed off from ${event.from} to ${event.to}: ${event.reason}`;
    case "held":
      return `cannot be ${event.rung}: ${event.reason}`;
    case "opt-out":
      return `${event.guest} was opted out: ${event.reason}`;
  }
}

function elapsed(since: number): bigint {
  return BigInt(Math.round(performance.now() - since));
}
