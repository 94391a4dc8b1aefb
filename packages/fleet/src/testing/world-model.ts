import assert from "node:assert/strict";
import { createPlan, type RolloutPlan } from "../rollout/rollout-plan.ts";
import type { RolloutPolicy } from "../rollout/rollout-policy.ts";
import { createState, isOver, PHASE_LETTERS, type HostPhase, type RolloutState } from "../rollout/rollout-state.ts";
import { tick } from "../rollout/tick.ts";
import type { Cancel, Dispatch, HostObservation, JobReport, RolloutCommand, Tick, TickInput } from "../rollout/tick-types.ts";
import type { Share } from "../share.ts";
import { ALWAYS_OPEN, type WindowState } from "../windows/window-state.ts";
import { AgentModel } from "./agent-model.ts";

const HOUR = 3_600_000;
const START = Date.UTC(2026, 0, 1);
const THAW = START + 100 * 24 * HOUR;

/** What differs from one run to the next. */
export interface WorldOptions {
  readonly hosts: number;
  readonly canary: Share;
  readonly waves: readonly Share[];
  readonly policy: Partial<RolloutPolicy>;
  /** Hosts with an odd number may be worked on in the first `windowHours` of every 24; null: at any time. */
  readonly windowHours: number | null;
  /** So many hosts, the first of the rollout's order, may not be worked on for the next hundred days. */
  readonly frozen: number;
}

/** Hosts, agents and a network that loses and repeats, around one rollout, with every promise of `tick` checked at every step. */
export class WorldModel {
  readonly plan: RolloutPlan;
  readonly agents: AgentModel[];
  state: RolloutState;
  now = START;
  readonly toAgents: (Dispatch | Cancel)[] = [];
  readonly toController: JobReport[] = [];
  readonly cordoned = new Set<string>();
  readonly heldByOther = new Set<string>();
  readonly #held = new Set<string>();
  readonly #counted = new Set<string>();
  readonly #windowHours: number | null;
  readonly #frozen: number;
  #lastFence = 0;
  /** Agents measure a permission on a clock that is never set back. */
  #latest = START;

  constructor(options: WorldOptions) {
    this.#windowHours = options.windowHours;
    this.#frozen = options.frozen;
    const hosts = Array.from({ length: options.hosts }, (_, i) => ({ name: `h${i}`, labels: {}, kernel: "6.1.0", arch: "x86_64", os: "debian 12", zone: "UTC" }));
    const { canary, waves, policy } = options;
    this.plan = createPlan({ id: "r1", createdAt: START, operation: { kind: "unify" }, selector: "all", hosts, canary, waves, policy });
    this.state = createState(this.plan);
    this.agents = hosts.map(({ name }) => new AgentModel(name));
  }

  /** A tick as the controller makes it. `stored` false: it dies before it stores; `given` false: it dies before it gives the commands. */
  tick({ stored = true, given = true, command, lossless = false }: { stored?: boolean; given?: boolean; command?: RolloutCommand; lossless?: boolean } = {}): Tick {
    const reports = this.toController.splice(0);
    const input: TickInput = { now: this.now, reports, hosts: this.#observe(), fenceFloor: 0, samples: new Map(), ...(command === undefined ? {} : { command }) };
    const result = tick(this.plan, this.state, input);
    if (!stored) return result;
    this.#check(result);
    this.#checkCounted(reports, result.state);
    this.state = result.state;
    for (const host of result.holds.acquire) this.#held.add(host);
    for (const host of result.holds.release) this.#held.delete(host);
    this.#checkSettled();
    this.#acknowledge(reports);
    if (given || lossless) this.toAgents.push(...result.dispatch, ...result.cancel);
    return result;
  }

  /** Moves the clock, forward or back; agents that are past their not-after stop. */
  moveClock(ms: number): void {
    this.now = Math.max(START, this.now + ms);
    this.#latest = Math.max(this.#latest, this.now);
    for (const agent of this.agents) agent.watchTheClock(this.#latest);
  }

  /** Delivers one message to its agent; `twice` keeps it in the network. */
  deliver(position: number, twice: boolean): void {
    const index = position % Math.max(1, this.toAgents.length);
    const message = this.toAgents[index];
    if (message === undefined) return;
    if (!twice) this.toAgents.splice(index, 1);
    const agent = this.agentOf(message.host);
    if (!agent.online) return;
    const answer = "notAfter" in message ? agent.take(message, this.#latest) : (agent.cancel(message), null);
    if (answer !== null) this.toController.push(answer);
    this.#checkConcurrency();
  }

  /** The agents that are online say again what has not been acknowledged. */
  sendReports(): void {
    for (const agent of this.agents) if (agent.online) this.toController.push(...agent.unsent);
  }

  /** Another rollout takes hold of a host, if it can. */
  holdByOther(host: string): void {
    if (!this.#held.has(host)) this.heldByOther.add(host);
  }

  agentOf(host: string): AgentModel {
    const agent = this.agents.find(({ name }) => name === host);
    if (agent === undefined) throw new Error(`no agent ${host}`);
    return agent;
  }

  /** Everything that still lives becomes healthy; the rollout has to come to its end by ticks and time alone. */
  runToTheEnd(): void {
    this.cordoned.clear();
    this.heldByOther.clear();
    for (const agent of this.agents) agent.online = !agent.dead;
    if (this.state.status === "paused") this.tick({ command: { type: "resume" }, lossless: true });
    for (let steps = 0; steps < 2000; steps++) {
      const { nextTickAt } = this.tick({ lossless: true });
      while (this.toAgents.length > 0) this.deliver(0, false);
      for (const agent of this.agents) if (!agent.dead) agent.end("succeeded");
      this.sendReports();
      if (this.toController.length > 0) continue;
      if (isOver(this.state.status) && nextTickAt === null) return;
      assert(nextTickAt !== null, `stuck: ${JSON.stringify(this.state)}`);
      this.#checkNobodyHeldUp(nextTickAt);
      this.moveClock(Math.max(1, nextTickAt - this.now));
    }
    throw new Error(`does not end: ${JSON.stringify(this.state)}`);
  }

  /** What must hold once it has ended and every lease is over. */
  checkEnd(): void {
    assert.deepEqual([...this.#held], [], "holds are left");
    for (const [index, host] of this.plan.hosts.entries()) {
      if (this.#phase(index) !== "succeeded") continue;
      const result = this.agentOf(host.name).done.get(`r1.${index} ${this.state.fences[index] ?? 0}`);
      assert.equal(result?.outcome, "succeeded", `${host.name} counts as done`);
    }
    const { pending, dispatching, acknowledged, running } = this.state.counts;
    assert.equal(dispatching + acknowledged + running, 0, "hosts are in flight");
    if (this.state.status === "completed") assert.equal(pending, 0);
  }

  #phase(index: number, state = this.state): HostPhase {
    const letter = state.phases[index];
    const phases: HostPhase[] = ["pending", "dispatching", "acknowledged", "running", "succeeded", "failed", "stopped", "skipped"];
    return phases.find((phase) => PHASE_LETTERS[phase] === letter) ?? "pending";
  }

  #windowOf(index: number): WindowState {
    if (index < this.#frozen && this.now < THAW) return { open: false, opensAt: THAW, closesAt: null, lastClosedAt: null };
    if (this.#windowHours === null || index % 2 === 0) return ALWAYS_OPEN;
    const day = START + Math.floor((this.now - START) / (24 * HOUR)) * 24 * HOUR;
    const closesAt = day + this.#windowHours * HOUR;
    if (this.now < closesAt) return { open: true, opensAt: day, closesAt, lastClosedAt: day > START ? closesAt - 24 * HOUR : null };
    return { open: false, opensAt: day + 24 * HOUR, closesAt: null, lastClosedAt: closesAt };
  }

  #observe(): Map<string, HostObservation> {
    return new Map(
      this.agents.map(({ name, online }) => {
        const heldBy = this.#held.has(name) ? "r1" : this.heldByOther.has(name) ? "other" : null;
        return [name, { online, lastSeenAt: online ? this.now : 0, cordoned: this.cordoned.has(name), heldBy, window: this.#windowOf(this.#indexOf(name)) }];
      }),
    );
  }

  #indexOf(host: string): number {
    return this.plan.hosts.findIndex(({ name }) => name === host);
  }

  #acknowledge(reports: readonly JobReport[]): void {
    for (const report of reports) {
      const agent = this.agents[this.agents.findIndex(({ unsent }) => unsent.some(({ jobId, fence }) => jobId === report.jobId && fence === report.fence))];
      const at = agent?.unsent.findIndex(({ fence }) => report.type === "result" && fence === report.fence) ?? -1;
      if (at >= 0) agent?.unsent.splice(at, 1);
    }
  }

  #check({ state, dispatch, cancel, holds }: Tick): void {
    const { policy } = this.plan;
    for (const command of dispatch) {
      const window = this.#windowOf(this.#indexOf(command.host));
      assert(window.open, `${command.host} outside its window`);
      assert(command.notAfter <= (window.closesAt ?? Number.POSITIVE_INFINITY));
      assert(command.notAfter > this.now);
      assert(this.agentOf(command.host).online);
      if (command.again) continue;
      assert.equal(state.status, "running");
      this.#checkCanary(state, this.#indexOf(command.host));
      assert(!this.cordoned.has(command.host) && !this.heldByOther.has(command.host));
      assert(command.fence > this.#lastFence);
      this.#lastFence = command.fence;
      const { limit } = policy.failureBudget;
      if (typeof limit === "number") assert(state.counts.failed <= limit);
    }
    for (const order of cancel) assert(this.agentOf(order.host).online);
    const counted = Object.fromEntries(Object.entries(PHASE_LETTERS).map(([phase, letter]) => [phase, state.phases.split(letter).length - 1]));
    assert.deepEqual(state.counts, counted);
    for (const host of this.heldByOther) assert(!holds.acquire.includes(host));
    assert.deepEqual(JSON.parse(JSON.stringify(state)), state);
  }

  /** In the canary wave a host is begun only while fewer than asked for are tried, whoever they are. */
  #checkCanary(state: RolloutState, index: number): void {
    const wave = this.plan.waves[state.wave];
    if (wave?.canary !== true || (this.state.fences[index] ?? 0) > 0) return;
    const tried = state.fences.filter((fence, host) => fence > 0 && this.#phase(host, state) !== "skipped").length;
    assert(tried <= wave.count, `${tried} canaries of ${wave.count}`);
  }

  /** Nobody who could work waits for a window that is farther away than a wave waits for it. */
  #checkNobodyHeldUp(nextTickAt: number): void {
    if (this.state.status !== "running" || nextTickAt - this.now <= this.plan.policy.windowWaitMs) return;
    for (const [index, { name }] of this.plan.hosts.entries()) {
      const canWork = this.#phase(index) === "pending" && this.#windowOf(index).open && this.agentOf(name).online;
      assert(!canWork, `${name} is held up: ${JSON.stringify(this.state)}`);
    }
  }

  /** Each current result counts exactly once: every one that was worked for saved one byte. */
  #checkCounted(reports: readonly JobReport[], after: RolloutState): void {
    let expected = 0;
    for (const report of reports) {
      const key = `${report.jobId} ${report.fence}`;
      const index = Number(report.jobId.split(".")[1]);
      if (report.type !== "result" || this.#counted.has(key) || this.state.fences[index] !== report.fence) continue;
      this.#counted.add(key);
      expected += report.saved?.diskBytes ?? 0;
    }
    const saved = (state: RolloutState) => state.saved.reduce((sum, { diskBytes }) => sum + diskBytes, 0);
    assert.equal(saved(after) - saved(this.state), expected);
  }

  /** A tick right after a tick has nothing left to do. */
  #checkSettled(): void {
    const again = tick(this.plan, this.state, { now: this.now, reports: [], hosts: this.#observe(), fenceFloor: 0, samples: new Map() });
    assert.deepEqual(again.transitions, []);
    assert.equal(again.state, this.state);
    assert.deepEqual(again.dispatch, []);
    assert(again.nextTickAt === null || again.nextTickAt > this.now);
  }

  #checkConcurrency(): void {
    const working = this.agents.filter(({ work }) => work !== null).length;
    assert(working <= this.plan.policy.concurrency, `${working} hosts work at once`);
  }
}
