import { randomBytes } from "node:crypto";
import { createPlan, createState, FleetError, type HostFacts, matchesSelector, parseSelector, parseShare, type RolloutPlan, type RolloutPolicy, type Saving } from "@samepage/fleet";
import { ControllerError } from "../api/controller-error.ts";
import type { CreateRollout } from "../api/rollout-view.ts";
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

/** The members that a selector chooses, revoked ones too. @throws ControllerError `invalid`. */
export function selectHosts(text: string, members: Members): Members {
  const selector = refusing(() => parseSelector(text));
  return members.filter((host) => matchesSelector(selector, toFacts(host)));
}

function refusing<T>(decide: () => T): T {
  try {
    return decide();
  } catch (error) {
    if (!(error instanceof FleetError)) throw error;
    throw new ControllerError("invalid", error.message, { hint: error.hint, target: error.subject, cause: error });
  }
}

function toPolicy(request: CreateRollout): Partial<RolloutPolicy> {
  const { concurrency, failureBudget, failureMinimumSample, soakSeconds, offlineGraceSeconds, jobTimeoutSeconds } = request;
  return {
    ...(concurrency === undefined ? {} : { concurrency }),
    ...(failureBudget === undefined && failureMinimumSample === undefined
      ? {}
      : { failureBudget: { limit: parseShare(failureBudget ?? "10%"), minimumSample: failureMinimumSample ?? 10 } }),
    ...(soakSeconds === undefined ? {} : { soakMs: soakSeconds * 1000 }),
    ...(offlineGraceSeconds === undefined ? {} : { unavailable: { action: "skip", timeoutMs: offlineGraceSeconds * 1000 } }),
    ...(jobTimeoutSeconds === undefined ? {} : { jobTimeoutMs: jobTimeoutSeconds * 1000 }),
  };
}

function toFacts({ name, labels, facts }: HostRecord): HostFacts {
  return { name, labels, kernel: facts?.kernel ?? "", arch: facts?.architecture ?? "", os: facts?.operatingSystem ?? "", zone: facts?.timeZone ?? "UTC" };
}

/** Sorts by time of creation; letters, digits and a dash, as queue names and job ids need. */
function newRolloutId(now: number): string {
  return `${now.toString(36)}-${randomBytes(3).toString("hex")}`;
}
