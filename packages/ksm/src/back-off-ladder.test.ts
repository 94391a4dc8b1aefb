import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { climb, DEFAULT_LADDER_LIMITS, LADDER_START, regression, RUNGS } from "./back-off-ladder.ts";
import type { LadderState, Rung } from "./back-off-ladder.ts";
import type { KsmSample } from "./ksm-sample.ts";
import { sampleAt } from "./sample.test-support.ts";

/** One second of a host: what regressed in it. */
type Second = "calm" | "ksmd" | "cow" | "memory" | "cpu";

/** Samples a second apart; the counters grow as the seconds say. */
function samplesFile(seconds: readonly Second[]): KsmSample[] {
  let [ksmdCpuNs, cowBreaks] = [0, 0];
  return [
    sampleAt(0, {}),
    ...seconds.map((second, index) => {
      ksmdCpuNs += second === "ksmd" ? 0.97e9 : second === "cpu" ? 0.3e9 : 0.01e9;
      cowBreaks += second === "cow" ? 90_000 : 10;
      return sampleAt((index + 1) * 1000, {
        ksmdCpuNs,
        cowBreaks,
        memoryPressure: { some: 0, full: second === "memory" ? 35 : 0 },
        cpuPressure: { some: second === "cpu" ? 80 : 5, full: 0 },
      });
    }),
  ];
}

/** Every change of rung, in order. */
function changes(seconds: readonly Second[]): Rung[] {
  const samples = samplesFile(seconds);
  let state: LadderState = LADDER_START;
  const visited: Rung[] = [];
  samples.slice(1).forEach((sample, index) => {
    const step = climb(state, samples[index] ?? sample, sample, DEFAULT_LADDER_LIMITS);
    state = step.state;
    if (step.change !== undefined) visited.push(step.change.to);
  });
  return visited;
}

const bad = fc.constantFrom<Second>("ksmd", "cow", "cpu");
const any = fc.constantFrom<Second>("calm", "ksmd", "cow", "memory", "cpu");

describe("the back-off ladder", () => {
  it("climbs slower → stopped → opted out → un-merged while a regression lasts, whichever it is", () => {
    fc.assert(
      fc.property(fc.array(bad, { minLength: 12, maxLength: 40 }), (seconds) => {
        expect(changes(seconds)).toEqual(["slower", "stopped", "opted-out", "un-merged"]);
      }),
    );
  });

  it("never skips a rung, and never climbs on fewer bad samples in a row than its patience", () => {
    fc.assert(
      fc.property(fc.array(any, { maxLength: 120 }), (seconds) => {
        let level = 0;
        for (const rung of changes(seconds)) {
          const next = RUNGS.indexOf(rung);
          expect(Math.abs(next - level)).toBe(1);
          level = next;
        }
        let longest = 0;
        let row = 0;
        for (const second of seconds) {
          row = second === "calm" ? 0 : row + 1;
          longest = Math.max(longest, row);
        }
        expect(changes(seconds).length > 0).toBe(longest >= DEFAULT_LADDER_LIMITS.patience);
      }),
    );
  });

  it("stops for short memory, and gives no copies back that would need it", () => {
    expect(changes(Array.from({ length: 40 }, (): Second => "memory"))).toEqual(["slower", "stopped"]);
  });

  it("comes back from slower and stopped when it is calm, from opted out and un-merged never", () => {
    const calm = Array.from({ length: 40 }, (): Second => "calm");
    const row = (count: number): Second[] => Array.from({ length: count }, (): Second => "cow");
    expect(changes([...row(3), ...calm])).toEqual(["slower", "normal"]);
    expect(changes([...row(6), ...calm])).toEqual(["slower", "stopped", "slower", "normal"]);
    expect(changes([...row(9), ...calm])).toEqual(["slower", "stopped", "opted-out"]);
  });

  it("names the cause, and does not blame ksmd for a busy host that it takes no part in", () => {
    const [first, second] = samplesFile(["cow"]);
    if (first === undefined || second === undefined) throw new Error("two samples expected");
    expect(regression(first, second, DEFAULT_LADDER_LIMITS, 0)?.reason).toContain("written and copied again");
    const idle = sampleAt(1000, { cpuPressure: { some: 95, full: 0 }, ksmdCpuNs: 0.01e9 });
    expect(regression(first, idle, DEFAULT_LADDER_LIMITS, 0)).toBeUndefined();
    // Nor for one that was as busy before ksmd began.
    const working = sampleAt(1000, { cpuPressure: { some: 85, full: 0 }, ksmdCpuNs: 0.5e9 });
    expect(regression(first, working, DEFAULT_LADDER_LIMITS, 80)).toBeUndefined();
    expect(regression(first, working, DEFAULT_LADDER_LIMITS, 10)?.reason).toContain("10 % without ksmd");
  });
});
