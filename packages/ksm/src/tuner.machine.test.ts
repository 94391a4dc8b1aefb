import { chmodSync, existsSync, mkdtempSync, readFileSync, rmdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { DEFAULT_LADDER_LIMITS } from "./back-off-ladder.ts";
import { readCounters } from "./counters.ts";
import { enrollGuest } from "./enroll.ts";
import { startGuest, testTool } from "./guest.test-support.ts";
import { helperPath } from "./helpers.ts";
import { findKsmd } from "./ksm-sample.ts";
import { readKnobs, writeKnob } from "./knob-files.ts";
import { readKsmStat } from "./ksm-stat.ts";
import { Machine, whyNot } from "./machine.test-support.ts";
import { ksmOff } from "./off.ts";
import { bootId, readState } from "./state-file.ts";
import { applyKnobs } from "./transaction.ts";
import { runTuner } from "./tuner-loop.ts";
import type { TunerEvent, TunerLoopOptions } from "./tuner-loop.ts";
import { DEFAULT_LIMITS } from "./tuner.ts";
import { estimateGuests } from "./sample-guests.ts";

/** Runs the tuner beside a test; ends and waits for it when disposed. */
class RunningTuner implements AsyncDisposable {
  readonly events: TunerEvent[] = [];
  readonly #stop = new AbortController();
  readonly #done: Promise<void>;

  constructor(machine: Machine, options: Partial<TunerLoopOptions> = {}) {
    this.#done = runTuner(machine.paths, { ...options, signal: this.#stop.signal, onEvent: (event) => this.events.push(event) });
  }

  /** Waits for an event; the tuner's own failure ends the wait. */
  async until(what: (event: TunerEvent) => boolean, seconds: number): Promise<TunerEvent> {
    const end = performance.now() + seconds * 1000;
    let ended = false;
    const done = this.#done.finally(() => (ended = true));
    done.catch(() => undefined);
    for (;;) {
      const found = this.events.find(what);
      if (found !== undefined) return found;
      if (ended) await done;
      if (ended || performance.now() > end) throw new Error(`not within ${seconds} s: ${JSON.stringify(this.events.slice(-5))}`);
      await setTimeout(50);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#done;
  }
}

function settled(event: TunerEvent): boolean {
  return event.kind === "decision" && event.decision.phase === "settled";
}

async function ksmdSeconds(): Promise<number> {
  return Number(readFileSync(`/proc/${await findKsmd("/proc")}/schedstat`, "utf8").split(" ")[0]) / 1e9;
}

describe.skipIf(whyNot !== "")(`the tuner on the real ksmd${whyNot && ` (skipped: ${whyNot})`}`, () => {
  it("merges two guests, settles, then idles below 1 % of a core; off restores every knob", async () => {
    await using machine = new Machine();
    await using _one = await startGuest([helperPath("ksm-exec"), testTool("memory-guest"), "100", "0", "20"]);
    await using _two = await startGuest([helperPath("ksm-exec"), testTool("memory-guest"), "100", "0", "20"]);
    {
      // Short memory, which whatever else runs here may cause, makes it look harder: that is held by the tuner's own tests.
      await using tuner = new RunningTuner(machine, { limits: { ...DEFAULT_LIMITS, lowMemory: 0, memoryPressure: 100 } });
      await tuner.until(settled, 180);
      expect(readCounters(machine.paths.sysfs).pagesSharing).toBeGreaterThan(100 * 256 * 0.99);
      await setTimeout(2000); // the first idle batches still follow the merging pace's cost
      const [from, at] = [await ksmdSeconds(), performance.now()];
      await setTimeout(10_000);
      expect((await ksmdSeconds()) - from).toBeLessThan(0.01 * ((performance.now() - at) / 1000));
    }
    await ksmOff(machine.paths);
    expect(readKnobs(machine.paths.sysfs)).toEqual(machine.before);
  });

  it("yields to somebody else who writes a knob, and says which", async () => {
    await using machine = new Machine();
    await using tuner = new RunningTuner(machine);
    await tuner.until((event) => event.kind === "decision", 10);
    writeKnob(machine.paths.sysfs, "sleep_millisecs", 77);
    const event = await tuner.until(({ kind }) => kind === "foreign", 20);
    expect(event).toMatchObject({ changes: [{ knob: "sleep_millisecs", now: 77 }] });
    expect(readKnobs(machine.paths.sysfs).sleep_millisecs).toBe(77);
  });

  it("refuses to start beside another tuner, with nothing changed", async () => {
    await using machine = new Machine();
    const directory = mkdtempSync(join(tmpdir(), "samepage-tuner-"));
    const script = join(directory, "ksmtuned");
    writeFileSync(script, "#!/bin/sh\necho ready\nread line\n");
    chmodSync(script, 0o755);
    try {
      await using _tuner = await startGuest([script]);
      await expect(runTuner(machine.paths, { signal: AbortSignal.timeout(5000) })).rejects.toMatchObject({ code: "other-tuner" });
      expect(readKnobs(machine.paths.sysfs)).toEqual(machine.before);
      expect(readState(machine.paths.state, bootId("/proc"))).toBeUndefined();
    } finally {
      rmSync(directory, { recursive: true });
    }
  });

  it("backs off all the way while merged pages are written over and over", async () => {
    await using machine = new Machine();
    await using one = await startGuest([helperPath("ksm-exec"), testTool("memory-guest"), "40", "0", "0"]);
    await using two = await startGuest([helperPath("ksm-exec"), testTool("memory-guest"), "40", "0", "0"]);
    // Limits low enough that any real break counts: the ladder's order is what is tested, its limits have defaults.
    const ladder = { ...DEFAULT_LADDER_LIMITS, cowBreaksPerSecond: -1, patience: 2 };
    await using tuner = new RunningTuner(machine, { ladder });
    await tuner.until((event) => event.kind === "ladder" && event.to === "un-merged", 90);
    const rungs = tuner.events.flatMap((event) => (event.kind === "ladder" ? [event.to] : []));
    expect(rungs).toEqual(["slower", "stopped", "opted-out", "un-merged"]);
    await machine.until("un-merged", ({ pagesShared }) => pagesShared === 0, 10);
    expect([one, two].map(({ pid }) => readKsmStat("/proc", pid)?.mergeable)).toEqual([false, false]);
  });
});

describe.skipIf(whyNot !== "")("un-merging", () => {
  const hierarchy = ["/sys/fs/cgroup/memory", "/sys/fs/cgroup"].find((at) => existsSync(join(at, "memory.limit_in_bytes")) || existsSync(join(at, "cgroup.subtree_control")));

  it.skipIf(hierarchy === undefined)("is refused while a guest's memory limit lacks room for its copies, with nothing changed", async () => {
    await using machine = new Machine();
    const group = mkdtempSync(join(hierarchy ?? "", "samepage-limit-"));
    const limit = existsSync(join(group, "memory.max")) ? "memory.max" : "memory.limit_in_bytes";
    try {
      await using one = await startGuest([testTool("memory-guest"), "100", "0", "0"]);
      await using two = await startGuest(["sh", "-c", `echo $$ > ${group}/cgroup.procs; exec ${testTool("memory-guest")} 100 0 0`]);
      await enrollGuest(machine.paths, { by: "pids", pids: [one.pid] });
      await applyKnobs(machine.paths, { run: 1, pages_to_scan: 20_000, sleep_millisecs: 5 });
      await enrollGuest(machine.paths, { by: "pids", pids: [two.pid] });
      await machine.until("merged", ({ pagesSharing }) => pagesSharing >= 100 * 256 * 0.999);
      await applyKnobs(machine.paths, { run: 0 });
      writeFileSync(join(group, limit), String(60 * 1024 * 1024));
      const merged = readCounters(machine.paths.sysfs).pagesSharing;
      await expect(ksmOff(machine.paths, { guestOf: (pid) => (pid === two.pid ? "tight" : "roomy") })).rejects.toMatchObject({ code: "no-room", subject: "tight" });
      expect(readCounters(machine.paths.sysfs).pagesSharing).toBe(merged);
      writeFileSync(join(group, limit), limit === "memory.max" ? "max" : "-1");
      await ksmOff(machine.paths);
      expect(readKnobs(machine.paths.sysfs)).toEqual(machine.before);
    } finally {
      await setTimeout(100); // the group is busy until its last process is reaped
      rmdirSync(group);
    }
  });
});

describe.skipIf(whyNot !== "")("the estimate", () => {
  it("predicts the profit of merging two guests within 5 % of what the kernel then reports", async () => {
    await using machine = new Machine();
    await using one = await startGuest([testTool("memory-guest"), "60", "20", "30"]);
    await using two = await startGuest([testTool("memory-guest"), "60", "20", "30"]);
    const selectors = [one, two].map(({ pid }) => [`guest ${pid}`, { by: "pids", pids: [pid] }] as const);
    const predicted = await estimateGuests(machine.paths, new Map(selectors));
    await enrollGuest(machine.paths, { by: "pids", pids: [one.pid, two.pid] });
    await applyKnobs(machine.paths, { run: 1, pages_to_scan: 20_000, sleep_millisecs: 5 });
    await machine.until("scanned four times", ({ fullScans }) => fullScans >= 4);
    const actual = readCounters(machine.paths.sysfs).generalProfit ?? NaN;
    expect(Math.abs(predicted.profit / actual - 1)).toBeLessThan(0.05);
  });
});
