import type { Operation } from "../operation.ts";
import { createPlan, type RolloutPlan, type RolloutRequest } from "../rollout/rollout-plan.ts";
import { createState, type RolloutState } from "../rollout/rollout-state.ts";
import { tick } from "../rollout/tick.ts";
import type { Dispatch, HostObservation, JobResult, Tick, TickInput } from "../rollout/tick-types.ts";
import { ALWAYS_OPEN } from "../windows/window-state.ts";

const UNIFY: Operation = { kind: "unify" };

/** A rollout over hosts that do what a test tells them, with a clock that only the test moves. */
export class Fleet {
  plan: RolloutPlan;
  state: RolloutState;
  now = Date.UTC(2026, 0, 1);
  /** Every command given, without repeats. */
  readonly given: Dispatch[] = [];
  readonly #hosts = new Map<string, HostObservation>();
  readonly #working = new Map<string, Dispatch>();

  constructor(size: number, request: Partial<RolloutRequest>) {
    const hosts = Array.from({ length: size }, (_, i) => ({ name: `h${i}`, labels: {}, kernel: "6.1.0", arch: "x86_64", os: "debian 12", zone: "UTC" }));
    this.plan = createPlan({ id: "r1", createdAt: this.now, operation: UNIFY, selector: "all", hosts, ...request });
    this.state = createState(this.plan);
    for (const { name } of hosts) {
      this.#hosts.set(name, { online: true, lastSeenAt: this.now, cordoned: false, heldBy: null, window: ALWAYS_OPEN });
    }
  }

  /** Commands that were given and not yet answered, oldest first. */
  get working(): Dispatch[] {
    return [...this.#working.values()];
  }

  get heldHosts(): string[] {
    return [...this.#hosts].filter(([, host]) => host.heldBy === this.plan.id).map(([name]) => name);
  }

  /** The same hosts under another rollout. */
  follow(plan: RolloutPlan, state: RolloutState): this {
    this.plan = plan;
    this.state = state;
    this.#working.clear();
    return this;
  }

  wait(ms: number): void {
    this.now += ms;
  }

  setHost(name: string, change: Partial<HostObservation>): void {
    const host = this.#hosts.get(name);
    if (host !== undefined) this.#hosts.set(name, { ...host, ...change });
  }

  tick(input: Partial<TickInput> = {}): Tick {
    const result = tick(this.plan, this.state, { now: this.now, reports: [], hosts: this.#hosts, fenceFloor: 0, samples: new Map(), ...input });
    this.state = result.state;
    for (const host of result.holds.acquire) this.setHost(host, { heldBy: this.plan.id });
    for (const host of result.holds.release) this.setHost(host, { heldBy: null });
    for (const dispatch of result.dispatch) {
      if (!dispatch.again) this.given.push(dispatch);
      this.#working.set(dispatch.jobId, dispatch);
    }
    return result;
  }

  /** The host that has worked longest reports its result. */
  report(result: Pick<JobResult, "outcome" | "cause" | "saved" | "proved">): Tick {
    const [oldest] = this.#working.values();
    if (oldest === undefined) throw new Error("no host is working");
    this.#working.delete(oldest.jobId);
    return this.tick({ reports: [{ type: "result", jobId: oldest.jobId, fence: oldest.fence, ...result }] });
  }
}
