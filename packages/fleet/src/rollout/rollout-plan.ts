import { createHash } from "node:crypto";
import { FleetError } from "../fleet-error.ts";
import type { HostFacts } from "../host-facts.ts";
import { canonicalJson } from "../json.ts";
import type { Operation } from "../operation.ts";
import { addSavings, NO_SAVING, type Saving } from "../saving.ts";
import { matchesSelector, parseSelector } from "../selectors/selector.ts";
import type { Share } from "../share.ts";
import { sizeWaves, type WaveSize } from "./size-waves.ts";
import { completePolicy, type RolloutPolicy } from "./rollout-policy.ts";

/** One host of a plan. Its place in `RolloutPlan.hosts` is its index everywhere in the rollout's state. */
export interface PlannedHost {
  readonly name: string;
  /** Kernel release, to group failures by; "" where unknown. */
  readonly kernel: string;
  /** What a dry run on the host promised; null where none was made. */
  readonly predicted: Saving | null;
}

/** A contiguous run of `RolloutPlan.hosts`. */
export interface PlannedWave {
  readonly name: string;
  readonly canary: boolean;
  /** Index of the wave's first host. */
  readonly first: number;
  readonly count: number;
  /** Sum over the hosts with a prediction. */
  readonly predicted: Saving;
  /** Hosts of the wave without a prediction. */
  readonly unpredicted: number;
}

/** What a rollout will do, frozen when it is created. A plain JSON value. */
export interface RolloutPlan {
  readonly id: string;
  /** ms since the epoch. */
  readonly createdAt: number;
  readonly operation: Operation;
  /** The selector the hosts were chosen by; hosts that match later are not added. */
  readonly selector: string;
  readonly policy: RolloutPolicy;
  readonly hosts: readonly PlannedHost[];
  readonly waves: readonly PlannedWave[];
  readonly predicted: Saving;
  /** What was changed or added to make the request work, one sentence each, for the operator. */
  readonly notices: readonly string[];
  /** The rollout that this one takes back, or null. */
  readonly rollbackOf: string | null;
  /** SHA-256 of all of the above as canonical JSON, lower-case hex; goes with every command. */
  readonly hash: string;
}

/** What an operator asks for. */
export interface RolloutRequest {
  /** Unique; letters, digits and dashes, so that it can stand in queue names and job ids. */
  readonly id: string;
  /** ms since the epoch. */
  readonly createdAt: number;
  readonly operation: Operation;
  readonly selector: string;
  /** Every host there is; the selector chooses. */
  readonly hosts: Iterable<HostFacts>;
  /** Predictions by host name. Default none. */
  readonly predictions?: ReadonlyMap<string, Saving>;
  /** Hosts tried before all others, alone in their wave. Default 0. */
  readonly canary?: Share;
  /** Sizes of the waves after the canary, percentages of all hosts; what they leave over is one more wave. Default one wave. */
  readonly waves?: readonly Share[];
  readonly policy?: Partial<RolloutPolicy>;
}

/**
 * Freezes a rollout: which hosts, in which order, in which waves. The order comes from hash(rollout id, host): the same for every
 * look at one rollout, different between rollouts, so that no host is always the canary.
 * @throws FleetError `no-hosts`, `bad-selector`, `bad-share`, `bad-policy`.
 */
export function createPlan(request: RolloutRequest): RolloutPlan {
  const selector = parseSelector(request.selector);
  const chosen = [...request.hosts].filter((host) => matchesSelector(selector, host));
  if (chosen.length === 0) {
    throw new FleetError("no-hosts", request.selector, `no host matches ${request.selector}`, "see `samepage host ls` for the hosts and their labels");
  }
  return planFor({
    ...request,
    hosts: chosen.map(({ name, kernel }) => ({ name, kernel, predicted: request.predictions?.get(name) ?? null })),
    canary: request.canary ?? 0,
    waves: request.waves ?? [],
    policy: request.policy ?? {},
    rollbackOf: null,
  });
}

/** A request whose hosts are chosen. */
interface ChosenRequest {
  readonly id: string;
  readonly createdAt: number;
  readonly operation: Operation;
  readonly selector: string;
  readonly hosts: readonly PlannedHost[];
  readonly canary: Share;
  readonly waves: readonly Share[];
  readonly policy: Partial<RolloutPolicy>;
  readonly rollbackOf: string | null;
}

/** The plan over hosts that are already chosen. @throws FleetError `bad-share`, `bad-policy`. */
export function planFor(request: ChosenRequest): RolloutPlan {
  if (!/^[A-Za-z0-9][A-Za-z0-9-]{0,63}$/u.test(request.id)) {
    throw new FleetError("bad-policy", request.id, `${JSON.stringify(request.id)} cannot name a rollout`, "use up to 64 letters, digits and dashes");
  }
  const hosts = inRolloutOrder(request.id, request.hosts);
  const { waves, notices } = sizeWaves(hosts.length, request.canary, request.waves);
  const body = {
    id: request.id,
    createdAt: request.createdAt,
    operation: request.operation,
    selector: request.selector,
    policy: fitPolicy(completePolicy(request.policy), hosts.length, notices),
    hosts,
    waves: waves.map((wave) => predictWave(wave, hosts)),
    predicted: predict(hosts).predicted,
    notices,
    rollbackOf: request.rollbackOf,
  };
  return { ...body, hash: createHash("sha256").update(canonicalJson(body)).digest("hex") };
}

function fitPolicy(policy: RolloutPolicy, total: number, notices: string[]): RolloutPolicy {
  const { limit, minimumSample } = policy.failureBudget;
  if (minimumSample > total && typeof limit === "string") {
    notices.push(`the failure budget's sample of ${minimumSample} hosts is more than there are: judged from ${total} on`);
  }
  return {
    ...policy,
    concurrency: Math.min(policy.concurrency, total),
    failureBudget: { limit, minimumSample: Math.min(minimumSample, total) },
  };
}

function inRolloutOrder(id: string, hosts: readonly PlannedHost[]): PlannedHost[] {
  const keyed = hosts.map((host) => ({ host, key: createHash("sha256").update(`${id}\0${host.name}`).digest("hex") }));
  keyed.sort((a, b) => (a.key < b.key ? -1 : 1));
  return keyed.map(({ host }) => host);
}

function predictWave({ name, canary, first, count }: WaveSize, hosts: readonly PlannedHost[]): PlannedWave {
  return { name, canary, first, count, ...predict(hosts.slice(first, first + count)) };
}

function predict(hosts: readonly PlannedHost[]): { predicted: Saving; unpredicted: number } {
  let predicted = NO_SAVING;
  let unpredicted = 0;
  for (const host of hosts) {
    if (host.predicted === null) unpredicted++;
    else predicted = addSavings(predicted, host.predicted);
  }
  return { predicted, unpredicted };
}
