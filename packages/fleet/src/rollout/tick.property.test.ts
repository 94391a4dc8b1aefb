import * as fc from "fast-check";
import { expect, it } from "vitest";
import { FleetError } from "../fleet-error.ts";
import { WorldModel } from "../testing/world-model.ts";
import type { RolloutPolicy } from "./rollout-policy.ts";
import { isOver } from "./rollout-state.ts";
import type { RolloutCommand } from "./tick-types.ts";

const MINUTE = 60_000;

/** Something that happens to the world. The model and the system are one object: agents and network are the model, the tick is the system. */
class Happening implements fc.Command<object, WorldModel> {
  readonly #name: string;
  readonly #happen: (world: WorldModel) => void;

  constructor(name: string, happen: (world: WorldModel) => void) {
    this.#name = name;
    this.#happen = happen;
  }

  check(): boolean {
    return true;
  }

  run(_model: object, world: WorldModel): void {
    this.#happen(world);
  }

  toString(): string {
    return this.#name;
  }
}

/** An order that the state does not allow is refused and changes nothing; all else must never throw. */
function order(world: WorldModel, command: RolloutCommand): void {
  const before = world.state;
  try {
    world.tick({ command });
  } catch (error) {
    if (!(error instanceof FleetError && error.code === "wrong-state" && world.state === before)) throw error;
  }
}

const host = fc.nat(11);
const pick = <T>(items: readonly T[], at: number): T | undefined => items[at % items.length];

function setOnline(world: WorldModel, at: number, online: boolean): void {
  const agent = pick(world.agents, at);
  if (agent !== undefined) agent.online = online && !agent.dead;
}

const happenings = [
  fc.record({ stored: fc.boolean(), given: fc.boolean() }).map((how) => new Happening(`tick ${JSON.stringify(how)}`, (world) => world.tick(how))),
  fc.constant(new Happening("tick", (world) => world.tick())),
  fc.constant(new Happening("tick", (world) => world.tick())),
  fc.tuple(fc.nat(50), fc.boolean()).map(([at, twice]) => new Happening(`deliver ${at} ${twice}`, (world) => world.deliver(at, twice))),
  fc.tuple(fc.nat(50), fc.boolean()).map(([at, twice]) => new Happening(`deliver ${at} ${twice}`, (world) => world.deliver(at, twice))),
  fc.nat(50).map((at) => new Happening(`lose ${at}`, (world) => world.toAgents.splice(at % Math.max(1, world.toAgents.length), 1))),
  fc.constant(new Happening("lose reports", (world) => world.toController.splice(0))),
  fc.constant(new Happening("send reports", (world) => world.sendReports())),
  fc.constant(new Happening("repeat reports", (world) => world.toController.push(...world.toController, ...world.agents.flatMap(({ done }) => [...done.values()])))),
  fc.tuple(host, fc.constantFrom("succeeded", "succeeded", "failed", "stopped", "interrupted")).map(
    ([at, outcome]) => new Happening(`${at} ends ${outcome}`, (world) => pick(world.agents.filter(({ work }) => work !== null), at)?.end(outcome)),
  ),
  fc.tuple(host, fc.boolean()).map(([at, online]) => new Happening(`${at} online ${online}`, (world) => setOnline(world, at, online))),
  host.map((at) => new Happening(`${at} dies`, (world) => Object.assign(pick(world.agents, at) ?? {}, { online: false, dead: true }))),
  fc.tuple(host, fc.boolean()).map(([at, on]) =>
    new Happening(`${at} cordoned ${on}`, (world) => (on ? world.cordoned.add(`h${at}`) : world.cordoned.delete(`h${at}`))),
  ),
  fc.tuple(host, fc.boolean()).map(([at, on]) =>
    new Happening(`${at} held ${on}`, (world) => (on ? world.holdByOther(`h${at}`) : world.heldByOther.delete(`h${at}`))),
  ),
  fc.integer({ min: 1, max: 30 }).map((minutes) => new Happening(`${minutes} min pass`, (world) => world.moveClock(minutes * MINUTE))),
  fc.integer({ min: -30, max: 60 }).map((hours) => new Happening(`clock jumps ${hours} h`, (world) => world.moveClock(hours * 60 * MINUTE))),
  fc.constant(new Happening("pause", (world) => order(world, { type: "pause", reason: "test" }))),
  fc.constant(new Happening("resume", (world) => order(world, { type: "resume" }))),
  fc.constant(new Happening("retry", (world) => order(world, { type: "retry" }))),
];
const abort = fc.constant(new Happening("abort", (world) => order(world, { type: "abort", reason: "test" })));

const policy = fc.record({
  concurrency: fc.integer({ min: 1, max: 5 }),
  failureBudget: fc.record({ limit: fc.oneof(fc.nat(4), fc.constantFrom("0%", "30%", "100%")), minimumSample: fc.integer({ min: 1, max: 5 }) }),
  soakMs: fc.constantFrom(0, 10 * MINUTE),
  unavailable: fc.record({ action: fc.constantFrom("skip", "wait", "fail"), timeoutMs: fc.constantFrom(0, 20 * MINUTE) }),
  missedWindow: fc.oneof(fc.constantFrom("next" as const, "skip" as const), fc.constant({ withinMs: 22 * 60 * MINUTE })),
  silenceMs: fc.constantFrom(5 * MINUTE, 60 * MINUTE),
  maxStops: fc.constantFrom(2, 30),
  maxInterruptions: fc.constantFrom(0, 3, 20),
  requireProof: fc.boolean(),
}) satisfies fc.Arbitrary<Partial<RolloutPolicy>>;

const world = fc.record({
  hosts: fc.integer({ min: 1, max: 12 }),
  canary: fc.constantFrom(0, 1, 3),
  waves: fc.constantFrom([], ["25%" as const], [2, "50%" as const]),
  policy,
  windowHours: fc.constantFrom(null, 1, 3),
  frozen: fc.constantFrom(0, 0, 1, 4),
});

it("every job once per fence, inside its window, within concurrency and budget, and always to an end, whatever happens", () => {
  fc.assert(
    fc.property(world, fc.commands([...happenings, ...happenings, abort], { maxCommands: 120, size: "max" }), (options, commands) => {
      const real = new WorldModel(options);
      fc.modelRun(() => ({ model: {}, real }), commands);
      real.runToTheEnd();
      real.checkEnd();
      expect(isOver(real.state.status)).toBe(true);
    }),
    { numRuns: 500 },
  );
});
