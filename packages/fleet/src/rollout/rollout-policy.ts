import { FleetError } from "../fleet-error.ts";
import type { Gate } from "../gates/gate.ts";
import { countOf, type Share } from "../share.ts";

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

/** How many hosts may fail before the rollout stops by itself. */
export interface FailureBudget {
  /** A count (stop when more hosts than this failed) or a percentage of the hosts that have finished. 0: the first failure stops it. */
  readonly limit: Share;
  /**
   * A percentage is not judged before so many hosts have finished: 1 failure of 2 is not "50 % of the fleet".
   * The canary is judged at its end whatever its size. Clamped to the number of hosts.
   */
  readonly minimumSample: number;
}

/**
 * What becomes of a host that cannot be worked on when its turn comes (offline, cordoned, or held by another rollout):
 * `skip` leaves it out once `timeoutMs` has passed, `fail` counts it against the budget then, `wait` goes on without it
 * then and takes it whenever it turns up, until `timeoutMs` after everything else is done. None of them waits for ever.
 */
export interface UnavailablePolicy {
  readonly action: "skip" | "wait" | "fail";
  readonly timeoutMs: number;
}

/**
 * What becomes of a host whose window closed before its work was done: `next` goes on in the next window, `skip` leaves
 * it out, `withinMs` goes on in the next window if that opens at most so long after the missed one closed, else leaves it out.
 */
export type MissedWindowPolicy = "next" | "skip" | { readonly withinMs: number };

/** How a rollout proceeds. Everything here is frozen into the plan. */
export interface RolloutPolicy {
  /** Hosts that work at the same time, at least 1. A silent host keeps its place until its lease is over. Default 10. */
  readonly concurrency: number;
  /** Default: 10 %, judged from 10 hosts on. */
  readonly failureBudget: FailureBudget;
  /** Time between a wave's last result and the next wave, ms; the gates are watched meanwhile. Default 0. */
  readonly soakMs: number;
  /** What must be healthy before the next wave. Default none. */
  readonly gates: readonly Gate[];
  /** Default: leave the host out after 10 minutes. */
  readonly unavailable: UnavailablePolicy;
  /** Default `next`. */
  readonly missedWindow: MissedWindowPolicy;
  /**
   * How long a wave waits for a host whose window is closed, ms from the wave's beginning: one that opens later does not keep hosts
   * of later waves waiting that could work before; the host itself is worked on when it opens. Default 8 days: every weekly window.
   */
  readonly windowWaitMs: number;
  /** False only for "run now": maintenance windows and blackouts are not looked at. Default true. */
  readonly respectWindows: boolean;
  /** No job is started with less of its window left than this, ms. Default 1 minute: less is spent on starting. */
  readonly minimumWindowMs: number;
  /** A job's not-after is at most this far away even where no window ends it, ms: permission always runs out without contact. Default 6 hours. */
  readonly jobTimeoutMs: number;
  /** A command that is not acknowledged within this time is taken back, ms. Default 2 minutes. */
  readonly ackTimeoutMs: number;
  /** A working host of which nothing was heard for this long has failed, ms. Default 15 minutes. */
  readonly silenceMs: number;
  /** How many windows (or other clean stops) one host may need before it has failed: a job that never ends must become visible. Default 30. */
  readonly maxStops: number;
  /** How many restarts of its agent and unacknowledged commands one host may need before it has failed: something may end the agent every time. Default 3. */
  readonly maxInterruptions: number;
  /** Whether a success counts only with the host's proof that the state is what the operation promises (rollbacks need it). Default false. */
  readonly requireProof: boolean;
}

/** The policy an operator gets by naming none. */
export const DEFAULT_POLICY: RolloutPolicy = {
  concurrency: 10,
  failureBudget: { limit: "10%", minimumSample: 10 },
  soakMs: 0,
  gates: [],
  unavailable: { action: "skip", timeoutMs: 10 * MINUTE },
  missedWindow: "next",
  windowWaitMs: 8 * 24 * HOUR,
  respectWindows: true,
  minimumWindowMs: MINUTE,
  jobTimeoutMs: 6 * HOUR,
  ackTimeoutMs: 2 * MINUTE,
  silenceMs: 15 * MINUTE,
  maxStops: 30,
  maxInterruptions: 3,
  requireProof: false,
};

/**
 * Fills in the defaults and refuses what makes no sense.
 * @throws FleetError `bad-policy` or `bad-share`, naming the field.
 */
export function completePolicy(given: Partial<RolloutPolicy>): RolloutPolicy {
  const policy = { ...DEFAULT_POLICY, ...given };
  countOf(policy.failureBudget.limit, 1);
  for (const gate of policy.gates) checkGate(gate);
  const atLeast: [string, number, number][] = [
    ["concurrency", policy.concurrency, 1],
    ["failureBudget.minimumSample", policy.failureBudget.minimumSample, 1],
    ["soakMs", policy.soakMs, 0],
    ["unavailable.timeoutMs", policy.unavailable.timeoutMs, 0],
    ["windowWaitMs", policy.windowWaitMs, 0],
    ["minimumWindowMs", policy.minimumWindowMs, 0],
    // Shorter ones would take back commands that are still on their way.
    ["jobTimeoutMs", policy.jobTimeoutMs, SECOND],
    ["ackTimeoutMs", policy.ackTimeoutMs, SECOND],
    ["silenceMs", policy.silenceMs, SECOND],
    ["maxStops", policy.maxStops, 1],
    ["maxInterruptions", policy.maxInterruptions, 0],
  ];
  if (typeof policy.missedWindow === "object") atLeast.push(["missedWindow.withinMs", policy.missedWindow.withinMs, 0]);
  for (const [field, value, minimum] of atLeast) {
    if (!Number.isSafeInteger(value) || value < minimum) {
      throw new FleetError("bad-policy", field, `${field} is ${value}`, `give a whole number of at least ${minimum}`);
    }
  }
  return policy;
}

function checkGate(gate: Gate): void {
  if (gate.kind === "jobs") countOf(gate.maxFailed, 1);
  if (gate.kind !== "psi") return;
  countOf(gate.except, 1);
  if (!(gate.maxPercent >= 0 && gate.maxPercent <= 100)) {
    throw new FleetError("bad-policy", "gates", `gate ${gate.resource}: ${gate.maxPercent} is not a percentage`, "give 0 to 100: the part of a minute in which something may wait");
  }
}
