import { setTimeout as sleep } from "node:timers/promises";
import type { KsmResult } from "@samepage/proto";
import { applyKnobs, DEFAULT_LIMITS, type GuestOf, ksmOff, type KsmPaths, type Ledger, readKnobs, readLedger, requireNoTuner, runTuner, type TunerEvent } from "@samepage/ksm";
import type { Logger } from "pino";
import { AgentError } from "../agent-error.ts";
import type { DiscoveredGuest } from "../discovery/discover-guests.ts";
import { guestOfProcess } from "./guest-of-process.ts";
import { enrolMembers, putOutOthers } from "./ksm-members.ts";
import { type KsmPolicy, type KsmPolicyFile, policyFor } from "./ksm-policy.ts";

/** Keeps this host's KSM as the last rollout wanted it: over jobs, and over restarts of the agent. */
export interface KsmKeeper {
  /**
   * Opts the guests in, puts the host's others out, and tunes until the host has settled; tuning then goes on.
   * @throws AgentError `ksm-domains`, `ksm-intruder`, or `ksm-backed-off` when merging made the host worse; KsmError
   */
  tune(guests: readonly DiscoveredGuest[], settings: KsmSettings, signal: AbortSignal): Promise<KsmResult>;
  /** Stops tuning and puts everything back. @throws KsmError `no-room` while memory lacks room for the private copies. */
  restore(signal: AbortSignal): Promise<KsmResult>;
  /** Why merging is held back now because of the load it caused, or was until the next tune; empty where it is not. */
  backOff(): string;
  /** Goes on tuning after the agent was restarted, if it was. */
  resume(): Promise<void>;
  /** A rollout has this host's KSM tuned, and nobody else has taken it over. */
  isTuning(): boolean;
  /** The host's account by guest; costs a walk over the page tables of everybody who takes part. */
  ledger(signal?: AbortSignal): Promise<Ledger>;
  /** Stops tuning; the knobs stay as they are. */
  close(): Promise<void>;
}

type KsmSettings = Pick<KsmPolicy, "cpuPercent" | "zeroPages">;

export interface KsmKeeperOptions {
  readonly paths: KsmPaths;
  readonly policy: KsmPolicyFile;
  /** Every guest of the host, whether it takes part or not. */
  readonly guests: () => Promise<readonly DiscoveredGuest[]>;
  readonly logger: Logger;
}

interface Loop {
  readonly stop: AbortController;
  readonly ended: Promise<void>;
  /** Resolves when the host has settled; rejects when the tuner backed off, yielded or failed. */
  readonly settled: Promise<void>;
}

/** Guests that have started again, or new processes that came in from outside, are opted in within this time, milliseconds. */
const enrolEveryMs = 30_000;

export function createKsmKeeper({ paths, policy: file, guests: discover, logger }: KsmKeeperOptions): KsmKeeper {
  let loop: Loop | undefined;
  let heldBack = "";
  let isTuning = false;

  const guestOf = async (): Promise<{ readonly all: readonly DiscoveredGuest[]; readonly guestOf: GuestOf }> => {
    const all = await discover();
    return { all, guestOf: guestOfProcess(paths.proc, all) };
  };

  /** The members in, the host's other guests out. */
  const keepMembers = async (policy: KsmPolicy, signal: AbortSignal): ReturnType<typeof enrolMembers> => {
    const host = await guestOf();
    const members = new Set(policy.guests);
    const others = new Set(host.all.flatMap(({ name }) => (members.has(name) ? [] : [name])));
    const { found, left } = await putOutOthers(paths, others, host.guestOf, signal);
    if (found.length > 0) logger.warn({ guests: found, left, domain: policy.domain }, "ksm: guests that do not take part were merging; they are put out");
    if (left.length > 0) {
      throw new AgentError("ksm-intruder", `${left.join(", ")} merges by itself and cannot be put out: nobody is merged beside it`, {
        hint: "samepage ksm deny makes a profile that keeps a guest out: start it under that, or stop it, and tune again",
        target: left[0] ?? "",
      });
    }
    return enrolMembers(paths, members, host.guestOf, signal);
  };

  const stopLoop = async (): Promise<void> => {
    loop?.stop.abort();
    await loop?.ended;
    loop = undefined;
    isTuning = false;
  };

  const startLoop = async (policy: KsmPolicy): Promise<Loop> => {
    const stop = new AbortController();
    const { promise: settled, resolve, reject } = Promise.withResolvers<undefined>();
    // Nobody may be waiting: what went wrong is in the log then.
    settled.catch(() => {});
    let members = policy;
    const onEvent = (event: TunerEvent): void => {
      if (event.kind === "decision") {
        logger.debug({ ksm: event.decision }, "ksm decision");
        if (event.decision.phase === "settled" || event.decision.phase === "steady") resolve(undefined);
        return;
      }
      const reason = reasonOf(event);
      logger.warn({ ksm: event }, "ksm backs off");
      reject(new AgentError("ksm-backed-off", reason, { hint: "see samepage ksm status on the host; roll back, or tune it with a lower ceiling there" }));
      if (event.kind === "foreign") return;
      // Calm leads back to normal.
      heldBack = event.kind === "ladder" && event.to === "normal" ? "" : reason;
      // Whoever was put out stays out until an operator says otherwise: enrolling again would begin the same trouble.
      if (event.kind === "opt-out") members = { ...members, guests: members.guests.filter((name) => name !== event.guest) };
      if (event.kind === "ladder" && (event.to === "opted-out" || event.to === "un-merged")) members = { ...members, guests: [], backedOff: reason };
      if (members !== policy) void file.write(members).catch((error: unknown) => logger.error({ err: error }, "ksm: the back-off cannot be kept on disk"));
    };
    const host = await guestOf();
    isTuning = true;
    const limits = policy.cpuPercent === undefined ? DEFAULT_LIMITS : { ...DEFAULT_LIMITS, cpuCeiling: policy.cpuPercent / 100 };
    const tuning = runTuner(paths, { signal: stop.signal, limits, guestOf: host.guestOf, onEvent, ...(policy.zeroPages ? { fixed: { use_zero_pages: 1 } } : {}) })
      .catch((error: unknown) => {
        logger.error({ err: error }, "ksm is tuned no more");
        reject(error instanceof Error ? error : new AgentError("internal", String(error)));
      })
      .then(() => {
        isTuning = false;
      });
    // Domains before savings: with somebody in that cannot be put out, merging stops until an operator tunes again.
    const keeping = keepEnrolled(() => members, stop.signal).then(async (intruder) => {
      if (intruder === undefined) return;
      logger.error({ err: intruder }, "ksm: merging is stopped");
      heldBack = intruder.message;
      reject(intruder);
      stop.abort();
      await tuning;
      await applyKnobs(paths, { run: 0 });
    });
    return { stop, ended: Promise.all([tuning, keeping]).then(() => undefined), settled };
  };

  const keepEnrolled = async (members: () => KsmPolicy, signal: AbortSignal): Promise<AgentError | undefined> => {
    for (;;) {
      await sleep(enrolEveryMs, undefined, { signal }).catch(() => {});
      if (signal.aborted) return;
      try {
        await keepMembers(members(), signal);
      } catch (error) {
        if (signal.aborted) return;
        if (error instanceof AgentError && error.code === "ksm-intruder") return error;
        logger.warn({ err: error }, "ksm: the guests cannot be looked at");
      }
    }
  };

  return {
    tune: async (guests, settings, signal) => {
      const begun = performance.now();
      const domains = [...new Set(guests.map(({ domain }) => domain))];
      const [domain = ""] = domains;
      if (domains.length > 1) {
        throw new AgentError("ksm-domains", `the guests are of ${domains.length} domains: ${domains.join(", ")}`, { hint: "choose one by --domain, or its guests by --guest" });
      }
      // A kernel without KSM, or another tuner, is said so before anything is kept.
      readKnobs(paths.sysfs);
      await requireNoTuner(paths.proc, signal);
      const policy = policyFor(domain, guests, settings);
      await stopLoop();
      heldBack = "";
      await file.write(policy);
      const processes: Record<string, bigint> = {};
      // Another domain's guests leave before this one's come: the kernel merges whoever takes part.
      for (const [outcome, count] of Object.entries(await keepMembers(policy, signal))) processes[outcome] = BigInt(count);
      loop = await startLoop(policy);
      const members = Number(processes["verified"] ?? 0n) + Number(processes["already"] ?? 0n);
      // Nobody takes part yet: guests that start later under a wrapper are merged then.
      if (members > 0) await untilSettled(loop.settled, signal);
      const { claimed, generalProfit } = await readLedger(paths, (await guestOf()).guestOf, signal);
      return { processes, claimed: BigInt(claimed), generalProfit: BigInt(generalProfit ?? 0), restored: false, stopped: "", elapsedMs: elapsed(begun) };
    },
    restore: async (signal) => {
      const begun = performance.now();
      await stopLoop();
      heldBack = "";
      await file.remove();
      const { optedOut } = await ksmOff(paths, { guestOf: (await guestOf()).guestOf, signal });
      return { processes: { "opted-out": BigInt(optedOut) }, claimed: 0n, generalProfit: 0n, restored: true, stopped: "", elapsedMs: elapsed(begun) };
    },
    resume: async () => {
      const kept = await file.read();
      if (kept?.backedOff === undefined) loop = kept === undefined ? undefined : await startLoop(kept);
      else heldBack = kept.backedOff;
    },
    isTuning: () => isTuning,
    backOff: () => heldBack,
    ledger: async (signal) => readLedger(paths, (await guestOf()).guestOf, signal),
    close: stopLoop,
  };
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
