import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Knobs } from "./knobs.ts";
import type { KsmSample } from "./ksm-sample.ts";
import { sampleAt } from "./sample.test-support.ts";
import { DEFAULT_LIMITS, startTuner, tune } from "./tuner.ts";
import type { TunerDecision, TunerLimits, TunerState } from "./tuner.ts";

/** ksmd and its memory, simplified: a first scan notes checksums, a second merges. */
class Host {
  pages: number;
  /** Part of the pages that change before each scan. */
  churn = 0;
  /** Merged pages are 25 times as cheap as the others, and lie together: seven tenths of every stretch of this part of a scan. */
  stretch = 0;
  members = 1;
  memAvailable = 6 * 1024 ** 3;
  private at = 0;
  private scanned = 0;
  /** Full scans, with the part of the present one. */
  private progress = 0;
  private known = 0;
  private cpu = 0;
  private merged = 0;
  private seed = 1;
  readonly costNs: number;

  constructor(pages: number, costNs = 4000) {
    this.pages = pages;
    this.costNs = costNs;
  }

  /** Runs for the time until the next sample at the pace of these knobs; answers ksmd's part of a core too. */
  run(milliseconds: number, knobs: Knobs): { sample: KsmSample; cpu: number } {
    const batch = knobs.pages_to_scan ?? 100;
    const isCheap = this.stretch > 0 && this.progress >= 2 && this.progress % this.stretch < this.stretch * 0.7;
    const costNs = isCheap ? this.costNs / 25 : this.costNs;
    const cycle = batch * costNs + (knobs.sleep_millisecs ?? 20) * 1e6;
    const cycles = (milliseconds * 1e6) / cycle;
    const scans = Math.floor(this.progress);
    this.scanned += Math.round(cycles * batch);
    this.progress += (cycles * batch) / this.pages;
    this.known = Math.min(this.pages, this.known + Math.round(cycles * batch));
    this.cpu += cycles * batch * costNs;
    this.at += milliseconds;
    const now = Math.floor(this.progress);
    if (now > scans && now >= 2) this.merged = Math.round(this.known * 0.9);
    this.seed = (this.seed * 16_807) % 2_147_483_647;
    if (now > scans && this.churn > 0) this.merged = this.pages * (0.9 - this.churn * (this.seed / 2_147_483_647));
    return { sample: this.sample(now), cpu: (cycles * batch * costNs) / (milliseconds * 1e6) };
  }

  sample(fullScans = 0): KsmSample {
    return sampleAt(this.at, {
      ksmdCpuNs: this.cpu,
      members: this.members,
      memAvailable: this.memAvailable,
      counters: { fullScans, pagesScanned: this.scanned, pagesShared: 100, pagesSharing: this.merged, pagesUnshared: Math.max(0, this.known - this.merged) },
    });
  }
}

interface Run {
  readonly decisions: readonly TunerDecision[];
  readonly cpu: readonly number[];
  readonly state: TunerState;
}

function drive(host: Host, steps: number, from?: TunerState, limits: TunerLimits = DEFAULT_LIMITS, hasAdvisor = true): Run {
  let state = from ?? startTuner(host.sample());
  const decisions: TunerDecision[] = [];
  const cpu: number[] = [];
  for (let step = 0; step < steps; step++) {
    const { sample, cpu: part } = host.run(decisions.at(-1)?.nextMs ?? 100, decisions.at(-1)?.knobs ?? {});
    const tuned = tune(state, sample, limits, hasAdvisor);
    state = tuned.state;
    decisions.push(tuned.decision);
    cpu.push(part);
  }
  return { decisions, cpu, state };
}

describe("the tuner", () => {
  it("scans at its ceiling until a full scan changes little, then watches for less than 1 % of a core", () => {
    const { decisions, cpu } = drive(new Host(500_000), 60);
    const settled = decisions.findIndex((decision) => decision.phase === "settled");
    expect(settled).toBeGreaterThan(2);
    expect(decisions[settled]?.reason).toContain("settled");
    expect(Math.max(...cpu.slice(3, settled))).toBeGreaterThan(0.6);
    expect(decisions.slice(settled).every((decision) => decision.phase === "settled")).toBe(true);
    expect(Math.max(...cpu.slice(settled + 2))).toBeLessThan(0.01);
  });

  it("stays below 1 % of a core when cheap pages are followed by dear ones", () => {
    const host = new Host(500_000, 12_000);
    host.stretch = 0.02;
    const { decisions, cpu } = drive(host, 800);
    const settled = decisions.findIndex((decision) => decision.phase === "settled");
    expect(Math.min(...cpu.slice(settled + 2))).toBeLessThan(0.001);
    expect(Math.max(...cpu.slice(settled + 2))).toBeLessThan(0.01);
  });

  it("keeps ksmd within 10 % of the ceiling, whatever a page costs, once it has measured that", () => {
    fc.assert(
      fc.property(fc.integer({ min: 500, max: 60_000 }), fc.double({ min: 0.05, max: 0.9, noNaN: true }), (costNs, cpuCeiling) => {
        const { cpu } = drive(new Host(2_000_000_000, costNs), 20, undefined, { ...DEFAULT_LIMITS, cpuCeiling });
        expect(Math.max(...cpu.slice(10))).toBeLessThan(cpuCeiling * 1.1);
      }),
      { numRuns: 200 },
    );
  });

  it("does not call a host settled before the second scan could merge anything", () => {
    const { decisions } = drive(new Host(400_000), 60);
    const first = decisions.find((decision) => decision.phase === "settled");
    expect(first?.reason).toContain("0.0 %");
    const settled = drive(new Host(400_000), decisions.indexOf(first ?? decisions[0]!) + 1).state;
    expect(settled.boundary.scans).toBeGreaterThanOrEqual(3);
    expect(settled.boundary.merged).toBeGreaterThan(0);
  });

  it("is kicked by a guest's start, and says so", () => {
    const host = new Host(300_000);
    const { state } = drive(host, 40);
    expect(state.phase).toBe("settled");
    host.members = 9;
    host.pages = 600_000;
    const { decisions } = drive(host, 1, state);
    expect(decisions[0]).toMatchObject({ phase: "merging", reason: "8 processes have joined: scan fast" });
  });

  it("is kicked by memory that nobody announced", () => {
    const host = new Host(100_000);
    const { state } = drive(host, 40);
    host.pages = 200_000;
    expect(drive(host, 200, state).decisions.map((decision) => decision.reason).join("\n")).toContain("new pages since it settled");
  });

  it("looks harder while memory is short", () => {
    const host = new Host(300_000);
    const { state, decisions } = drive(host, 40);
    host.memAvailable = 8 * 1024 ** 3 * 0.1;
    const pressed = drive(host, 1, state).decisions[0];
    expect(pressed).toMatchObject({ phase: "pressed", reason: "only 10.0 % of memory available: look harder" });
    expect(pressed?.knobs.sleep_millisecs).toBeLessThan(decisions.at(-1)?.knobs.sleep_millisecs ?? 0);
  });

  it("rests ten times as long as a scan took that found nothing more while memory is short", () => {
    const host = new Host(300_000);
    const { state } = drive(host, 40);
    host.memAvailable = 8 * 1024 ** 3 * 0.1;
    const { decisions, cpu } = drive(host, 600, state);
    const vain = decisions.findIndex(({ reason }) => reason === "a full scan under memory pressure gained nothing: settled");
    expect(vain).toBeGreaterThan(2);
    expect(decisions[vain]?.phase).toBe("settled");
    const again = decisions.findIndex(({ phase }, index) => index > vain && phase === "pressed");
    const time = (from: number, to: number): number => decisions.slice(from, to).reduce((sum, { nextMs }) => sum + nextMs, 0);
    expect(time(vain, again)).toBeGreaterThanOrEqual(10 * time(0, vain));
    expect(Math.max(...cpu.slice(vain + 2, again))).toBeLessThan(0.01);
  });

  it("leaves memory that never settles to the kernel's advisor, or to a constant share where there is none", () => {
    const host = new Host(200_000);
    host.churn = 0.8;
    const { decisions } = drive(host, 40);
    const steady = decisions.find((decision) => decision.phase === "steady");
    expect(steady?.knobs).toMatchObject({ advisor_mode: "scan-time", advisor_max_cpu: 10 });
    expect(steady?.knobs.pages_to_scan).toBeUndefined();
    const other = new Host(200_000);
    other.churn = 0.8;
    const older = drive(other, 40, undefined, DEFAULT_LIMITS, false).decisions.find((decision) => decision.phase === "steady");
    expect(older?.knobs).not.toHaveProperty("advisor_mode");
    expect(older?.knobs.pages_to_scan).toBeGreaterThan(0);
  });

  it("starts counting again when an un-merge resets the scan counter", () => {
    const { state } = drive(new Host(300_000), 40);
    const reset = sampleAt(1e9, { members: 1, counters: { fullScans: 0, pagesScanned: 1e9 } });
    expect(tune(state, reset, DEFAULT_LIMITS, true).decision).toMatchObject({ phase: "merging", reason: "the scan counter was reset: start over" });
  });
});
