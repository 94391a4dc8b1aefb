import { setTimeout as sleep } from "node:timers/promises";
import { ALWAYS_OPEN, type Cancel, type Dispatch, FleetError, type HostObservation, type HostPhase, type HostSample, isOver, judgedHosts, type JobReport, PHASE_OF_LETTER, type RolloutCommand, type RolloutPlan, type RolloutState, type Tick, tick } from "@samepage/fleet";
import type { Logger } from "pino";
import { ControllerError } from "../api/controller-error.ts";
import type { EventBody } from "../api/event-view.ts";
import type { AuditEntry } from "../stores/audit-log.ts";
import type { HealthBoard } from "../stores/health-board.ts";
import type { Presence } from "../stores/presence.ts";
import type { WindowCalendar } from "../windows/window-calendar.ts";
import type { RolloutStore } from "./rollout-store.ts";

/** What becomes of a tick's decisions. */
interface RolloutEffects {
  dispatch(commands: readonly Dispatch[]): Promise<void>;
  cancel(cancels: readonly Cancel[]): Promise<void>;
  /** A tick is due at this time (epoch milliseconds) even if nothing happens. */
  wakeAt(rollout: string, at: number): Promise<void>;
}

export interface RolloutRunnerDeps {
  readonly rollouts: RolloutStore;
  readonly presence: Presence;
  readonly health: HealthBoard;
  readonly cordoned: () => Promise<ReadonlySet<string>>;
  readonly windows: WindowCalendar;
  readonly effects: RolloutEffects;
  /** Told of every transition that this controller has stored. */
  readonly moved: (transition: Tick["transitions"][number]) => void;
  readonly logger: Logger;
}

/** Steps rollouts: reads, lets the pure tick decide, stores the decision in one compare-and-set, then acts on it. */
export interface RolloutRunner {
  /**
   * One step, with an operator's order or without.
   * @throws ControllerError `not-found`, or `conflict` for an order that the rollout's state does not allow.
   */
  step(id: string, order?: { readonly command: RolloutCommand; readonly actor: string }): Promise<void>;
  /** Why the rollout and its hosts are where they are now; changes nothing. */
  explain(id: string): Promise<Pick<Tick, "explanations" | "waiting">>;
}

/** Tries before a step gives way to the other controllers; each loses only to one that stored a step. */
const tries = 50;

export function createRolloutRunner(deps: RolloutRunnerDeps): RolloutRunner {
  return {
    step: async (id, order) => {
      for (let attempt = 0; attempt < tries; attempt++) {
        const done = await tryStep(id, order, deps);
        if (done) return;
        await sleep(Math.random() * 20 * (attempt + 1));
      }
      throw new ControllerError("overloaded", `rollout ${id} changes faster than this can be stored; nothing was changed`, { hint: "try again", target: id });
    },
    explain: async (id) => {
      const read = await deps.rollouts.read(id);
      if (read === undefined) return { explanations: [], waiting: new Map() };
      const { record, state, fenceFloor, locks } = read;
      const [hosts, samples] = await Promise.all([observe(record.plan, state, locks, false, deps), readSamples(record.plan, state, deps)]);
      return decide(record.plan, state, { now: Date.now(), reports: [], hosts, fenceFloor, samples });
    },
  };
}

/** False when another controller was faster: nothing was stored. */
async function tryStep(id: string, order: { readonly command: RolloutCommand; readonly actor: string } | undefined, deps: RolloutRunnerDeps): Promise<boolean> {
  const read = await deps.rollouts.read(id);
  if (read === undefined) throw new ControllerError("not-found", `no rollout has the id ${id}`, { hint: "samepage rollout ls", target: id });
  const { record, state, inbox, fenceFloor, locks } = read;
  const { plan } = record;
  if (isOver(state.status) && inbox.length === 0 && order === undefined && !(plan.hosts.some(({ name }) => locks[name] === id))) return true;
  const [hosts, samples] = await Promise.all([observe(plan, state, locks, order !== undefined, deps), readSamples(plan, state, deps)]);
  const decided = decide(plan, state, { now: Date.now(), reports: inbox, hosts, fenceFloor, samples, ...(order === undefined ? {} : { command: order.command }) });
  const { holds } = decided;
  if (decided.state !== state || inbox.length > 0 || holds.acquire.length > 0 || holds.release.length > 0) {
    const audit = [...auditOfOrder(id, order), ...decided.transitions.map((transition) => auditOf(id, transition))];
    const events = decided.transitions.map((transition) => eventOf(id, decided.state, transition, savedBy(plan, inbox)));
    const step = { id, from: state.version, state: decided.state, consumed: inbox.length, acquire: holds.acquire, release: holds.release, audit, events };
    const outcome = await deps.rollouts.store(step);
    if (outcome !== "stored") return false;
    decided.transitions.forEach(deps.moved);
    for (const transition of decided.transitions) if (transition.of === "rollout") deps.logger.info({ rollout: id, from: transition.from, to: transition.to, reason: transition.reason }, "rollout moved");
  }
  // From here on nothing can be lost: what is not carried out now, a later tick decides again.
  await deps.effects.dispatch(decided.dispatch);
  await deps.effects.cancel(decided.cancel);
  if (decided.nextTickAt !== null) await deps.effects.wakeAt(id, decided.nextTickAt);
  return true;
}

function decide(plan: RolloutPlan, state: RolloutState, input: Parameters<typeof tick>[2]): Tick {
  try {
    return tick(plan, state, input);
  } catch (error) {
    if (error instanceof FleetError) throw new ControllerError("conflict", error.message, { hint: error.hint, target: plan.id, cause: error });
    throw error;
  }
}

async function observe(plan: RolloutPlan, state: RolloutState, locks: Readonly<Record<string, string>>, hasOrder: boolean, deps: RolloutRunnerDeps): Promise<ReadonlyMap<string, HostObservation>> {
  const now = Date.now();
  // Of a host that has ended nothing is asked any more; an order may take any of them up again.
  const names = plan.hosts.flatMap(({ name }, index) => (hasOrder || !isSettled(state, index) ? [name] : []));
  const [presence, cordoned, windows] = await Promise.all([deps.presence.of(names, now), deps.cordoned(), deps.windows.states(names, now, state.waveSince)]);
  return new Map(
    plan.hosts.map(({ name }) => [
      name,
      { ...(presence.get(name) ?? neverSeen), cordoned: cordoned.has(name), heldBy: locks[name] ?? null, window: windows.get(name) ?? ALWAYS_OPEN },
    ]),
  );
}

const settled: ReadonlySet<HostPhase | undefined> = new Set(["succeeded", "failed", "stopped", "skipped"]);

/** Whether the host has ended and no permission of its job is open. */
function isSettled({ phases, notes }: RolloutState, index: number): boolean {
  return settled.has(PHASE_OF_LETTER.get(phases[index] ?? "")) && notes[index]?.open !== true;
}

const neverSeen = { online: false, lastSeenAt: 0 } as const;

/** Readings of the hosts of the wave that soaks; nobody looks at any others. */
async function readSamples(plan: RolloutPlan, { status, wave, fences }: RolloutState, { health }: RolloutRunnerDeps): Promise<ReadonlyMap<string, HostSample>> {
  if (status !== "soaking" || plan.policy.gates.length === 0) return new Map();
  const names = Array.from(judgedHosts(plan, wave, (index) => fences[index] ?? 0), (index) => plan.hosts[index]?.name);
  return health.read(names.filter((name) => name !== undefined));
}

function auditOfOrder(rollout: string, order: { readonly command: RolloutCommand; readonly actor: string } | undefined): AuditEntry[] {
  if (order === undefined) return [];
  const { type, ...detail } = order.command;
  return [{ actor: order.actor, action: `rollout.${type}`, target: rollout, detail }];
}

function auditOf(rollout: string, transition: Tick["transitions"][number]): AuditEntry {
  const { of, ...detail } = transition;
  return { actor: "controller", action: of === "rollout" ? "rollout.state" : "rollout.host", target: rollout, detail };
}

function eventOf(rollout: string, state: RolloutState, transition: Tick["transitions"][number], saved: ReadonlyMap<string, number>): EventBody {
  if (transition.of === "rollout") return { type: "rollout", rollout, state: transition.to, reason: transition.reason, wave: state.wave };
  const { host, to, reason } = transition;
  return { type: "rollout-host", rollout, host, state: to, reason, reclaimedBytes: saved.get(host) ?? null };
}

/** Bytes freed on disk by host, as the reports of this step say. */
function savedBy(plan: RolloutPlan, inbox: readonly JobReport[]): ReadonlyMap<string, number> {
  const saved = new Map<string, number>();
  for (const report of inbox) {
    const host = plan.hosts[Number(report.jobId.slice(report.jobId.lastIndexOf(".") + 1))];
    if (report.type === "result" && report.saved !== undefined && host !== undefined) saved.set(host.name, report.saved.diskBytes);
  }
  return saved;
}
