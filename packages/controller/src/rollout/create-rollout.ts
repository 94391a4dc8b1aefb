import { randomBytes } from "node:crypto";
import { createPlan, createRollbackPlan, createState, FleetError, type Gate, type HostFacts, matchesSelector, type MissedWindowPolicy, parseDuration, parseSelector, parseShare, type RolloutPlan, type RolloutPolicy, type Saving } from "@samepage/fleet";
import { ControllerError } from "../api/controller-error.ts";
import type { CreateRollout, GateRequest } from "../api/rollout-view.ts";
import type { HostRecord } from "../stores/host-record.ts";
import type { HostStore } from "../stores/host-store.ts";
import type { RolloutStore } from "./rollout-store.ts";

/** Every host that a selector can choose from: members that are not revoked. */
type Members = readonly HostRecord[];

/** Freezes what an operator asks for. @throws ControllerError `invalid` naming the mistake. */
export function planRollout(request: CreateRollout, members: Members, now: number): RolloutPlan {
  const predictions = new Map<string, Saving>(members.flatMap(({ name, prediction }) => (prediction === null ? [] : [[name, { ...prediction, memoryBytes: 0 }]])));
  return refusing(() =>
    createPlan({
      id: newRolloutId(now),
      createdAt: now,
      operation: request.operation,
      selector: request.selector ?? "all",
      hosts: members.filter(({ revokedAt }) => revokedAt === null).map(toFacts),
      predictions: request.operation.kind === "unify" ? predictions : new Map(),
      canary: parseShare(request.canary ?? "1"),
      waves: (request.waves ?? []).map(parseShare),
      policy: toPolicy(request),
    }),
  );
}

/** Plans and stores; the rollout begins with its first tick. */
export async function createRollout(request: CreateRollout, actor: string, stores: { readonly hosts: HostStore; readonly rollouts: RolloutStore }): Promise<string> {
  const plan = planRollout(request, await stores.hosts.list(), Date.now());
  const record = { name: request.name ?? request.operation.kind, createdBy: actor, operation: request.operation, plan };
  const detail = { operation: request.operation, selector: plan.selector, hosts: plan.hosts.length, waves: plan.waves.length, hash: plan.hash };
  await stores.rollouts.create(record, createState(plan), { actor, action: "rollout.create", target: plan.id, detail });
  return plan.id;
}

/** Plans and stores the rollout that takes another one back. @throws ControllerError `not-found`, `conflict`. */
export async function createRollback(id: string, actor: string, rollouts: RolloutStore): Promise<string> {
  const stored = await rollouts.get(id);
  if (stored === undefined) throw new ControllerError("not-found", `no rollout has the id ${id}`, { hint: "samepage rollout ls", target: id });
  const now = Date.now();
  const plan = refusing(() => createRollbackPlan(stored.record.plan, stored.state, newRolloutId(now), now), "conflict");
  const { settings: _, ksm: __, ...operation } = stored.record.operation;
  const record = { name: `rollback of ${stored.record.name}`, createdBy: actor, operation: { ...operation, kind: operation.kind === "ksm-tune" ? ("ksm-restore" as const) : ("deunify" as const) }, plan };
  const detail = { rollbackOf: id, hosts: plan.hosts.length, hash: plan.hash };
  await rollouts.create(record, createState(plan), { actor, action: "rollout.rollback", target: plan.id, detail });
  return plan.id;
}

/** The members that a selector chooses, revoked ones too. @throws ControllerError `invalid`. */
export function selectHosts(text: string, members: Members): Members {
  const selector = refusing(() => parseSelector(text));
  return members.filter((host) => matchesSelector(selector, toFacts(host)));
}

function refusing<T>(decide: () => T, code: "invalid" | "conflict" = "invalid"): T {
  try {
    return decide();
  } catch (error) {
    if (!(error instanceof FleetError)) throw error;
    throw new ControllerError(code, error.message, { hint: error.hint, target: error.subject, cause: error });
  }
}

function toPolicy(request: CreateRollout): Partial<RolloutPolicy> {
  const { concurrency, failureBudget, failureMinimumSample, soakSeconds, gates, offline, offlineGraceSeconds, jobTimeoutSeconds, interruptions, missedWindow, windowWaitSeconds, ignoreWindows } = request;
  return {
    ...(concurrency === undefined ? {} : { concurrency }),
    ...(failureBudget === undefined && failureMinimumSample === undefined
      ? {}
      : { failureBudget: { limit: parseShare(failureBudget ?? "10%"), minimumSample: failureMinimumSample ?? 10 } }),
    ...(soakSeconds === undefined ? {} : { soakMs: soakSeconds * 1000 }),
    ...(gates === undefined ? {} : { gates: gates.map(toGate) }),
    ...(offline === undefined && offlineGraceSeconds === undefined ? {} : { unavailable: { action: offline ?? "skip", timeoutMs: (offlineGraceSeconds ?? 600) * 1000 } }),
    ...(missedWindow === undefined ? {} : { missedWindow: toMissedWindow(missedWindow) }),
    ...(windowWaitSeconds === undefined ? {} : { windowWaitMs: windowWaitSeconds * 1000 }),
    ...(ignoreWindows === undefined ? {} : { respectWindows: !ignoreWindows }),
    ...(jobTimeoutSeconds === undefined ? {} : { jobTimeoutMs: jobTimeoutSeconds * 1000 }),
    ...(interruptions === undefined ? {} : { maxInterruptions: interruptions }),
  };
}

function toGate(gate: GateRequest): Gate {
  switch (gate.kind) {
    case "jobs":
      return { kind: "jobs", maxFailed: parseShare(gate.maxFailed) };
    case "psi":
      return { kind: "psi", resource: gate.resource, maxPercent: gate.maxPercent, except: parseShare(gate.except ?? "0") };
    case "guests":
    case "ksm":
      return { kind: gate.kind };
  }
}

function toMissedWindow(text: string): MissedWindowPolicy {
  if (text === "next" || text === "skip") return text;
  return { withinMs: parseDuration(text) };
}

/** What selectors and windows see of a host. */
export function toFacts({ name, labels, facts }: HostRecord): HostFacts {
  return { name, labels, kernel: facts?.kernel ?? "", arch: facts?.architecture ?? "", os: facts?.operatingSystem ?? "", zone: facts?.timeZone ?? "UTC" };
}

/** Sorts by time of creation; letters, digits and a dash, as queue names and job ids need. */
function newRolloutId(now: number): string {
  return `${now.toString(36)}-${randomBytes(3).toString("hex")}`;
}
