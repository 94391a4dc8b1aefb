import { readFileSync } from "node:fs";
import { afterEach, describe, expect, it } from "vitest";
import { readCounters } from "./counters.ts";
import { enrollGuest, withdrawGuest } from "./enroll.ts";
import { startGuest, testTool } from "./guest.test-support.ts";
import type { TestGuest } from "./guest.test-support.ts";
import { helperPath } from "./helpers.ts";
import { readKnobs } from "./knob-files.ts";
import { readKsmStat } from "./ksm-stat.ts";
import { PAGE_BYTES } from "./ledger.ts";
import { Machine, whyNot } from "./machine.test-support.ts";
import { ksmOff } from "./off.ts";
import { optInSnippet } from "./persist-snippets.ts";
import { readLedger } from "./read-ledger.ts";
import { sweep } from "./sweep.ts";
import { applyKnobs } from "./transaction.ts";

const SIZE = ["200", "0", "0"] as const;
const PAGES = 200 * 256;
/** Fast enough for two guests to merge in seconds. */
const FAST = { run: 1, pages_to_scan: 20_000, sleep_millisecs: 5 };

const guests: TestGuest[] = [];
afterEach(async () => {
  for (const guest of guests.splice(0)) await guest[Symbol.asyncDispose]();
});

async function start(...command: [string, ...string[]]): Promise<TestGuest> {
  const guest = await startGuest(command);
  guests.push(guest);
  return guest;
}

/** Each way to opt a 200 MB guest in; the guest is running and opted in when it resolves. */
const WAYS: readonly (readonly [string, (machine: Machine) => Promise<unknown>])[] = [
  ["exec", () => start(helperPath("ksm-exec"), testTool("memory-guest"), ...SIZE)],
  ["preload", () => start("env", `LD_PRELOAD=${helperPath("libksm-preload.so")}`, testTool("memory-guest-dynamic"), ...SIZE)],
  ["preload below 6.4", () => start("env", `LD_PRELOAD=${helperPath("libksm-preload-madvise.so")}`, testTool("memory-guest-dynamic"), ...SIZE)],
  [
    "enroll on running",
    async (machine) => {
      const guest = await start(testTool("memory-guest"), ...SIZE);
      expect((await enrollGuest(machine.paths, { by: "pids", pids: [guest.pid] })).counts).toEqual({ verified: 1 });
    },
  ],
  [
    "the systemd snippet's command",
    () => {
      const host = { helper: helperPath("ksm-exec"), systemdVersion: 252, execStart: `${testTool("memory-guest")} ${SIZE.join(" ")}` };
      const command = /^ExecStart=(\/.+)$/mu.exec(optInSnippet("systemd", "guest", host).content)?.[1]?.split(" ") ?? [];
      const [program = "", ...args] = command;
      return start(program, ...args);
    },
  ],
];

describe.skipIf(whyNot !== "")(`two 200 MB guests of equal pages${whyNot && ` (skipped: ${whyNot})`}`, () => {
  it.each(WAYS)("opted in by %s: merged, accounted for within 2 %, un-merged, all knobs as before", async (_, optIn) => {
    await using machine = new Machine();
    const { paths, before } = machine;
    await optIn(machine);
    await optIn(machine);
    await applyKnobs(paths, FAST);
    await machine.until("merged", ({ pagesSharing }) => pagesSharing >= PAGES * 0.999);
    await applyKnobs(paths, { run: 0 });

    const account = await readLedger(paths);
    expect(account.generalProfit).toBeGreaterThan(PAGES * PAGE_BYTES * 0.95);
    expect(Math.abs(account.claimed / (account.generalProfit ?? NaN) - 1)).toBeLessThan(0.02);
    // Real: the guests pay for one copy together, and the host has the other one back.
    expect(account.sharedNow).toBeGreaterThan(PAGES * PAGE_BYTES * 0.95);

    const off = await ksmOff(paths);
    expect(off.unmerged?.pages).toBeGreaterThan(PAGES);
    expect(readCounters(paths.sysfs)).toMatchObject({ pagesShared: 0, pagesSharing: 0 });
    expect(guests.map(({ pid }) => readKsmStat("/proc", pid)?.mergingPages)).toEqual([0, 0]);
    expect(readKnobs(paths.sysfs)).toEqual(before);
  });

  it("a guest is taken out again while the other stays, and its copies are its own", async () => {
    await using machine = new Machine();
    const [one, two] = [await start(testTool("memory-guest"), ...SIZE), await start(testTool("memory-guest"), ...SIZE)];
    await enrollGuest(machine.paths, { by: "pids", pids: [one.pid, two.pid] });
    await applyKnobs(machine.paths, FAST);
    await machine.until("merged", ({ pagesSharing }) => pagesSharing >= PAGES * 0.999);
    expect((await withdrawGuest(machine.paths, { by: "pids", pids: [one.pid] })).counts).toEqual({ verified: 1 });
    expect(readKsmStat("/proc", one.pid)?.mergeable).toBe(false);
    expect(anonymousPages(one.pid)).toEqual({ ksm: 0, own: 200 * 1024 * 1024 });
    expect(readKsmStat("/proc", two.pid)?.mergeable).toBe(true);
  });

  it("the sweep finds a guest that opted itself in, and puts out even what it advised by itself", async () => {
    await using machine = new Machine();
    const intruder = await start("env", `LD_PRELOAD=${helperPath("libksm-preload-madvise.so")}`, testTool("memory-guest-dynamic"), "8", "0", "0");
    const options = { isAllowed: (guest: string) => guest === "web", guestOf: () => "stranger" };
    const found = await sweep(machine.paths, { ...options, remove: false });
    expect(found.intruders).toEqual([expect.objectContaining({ pid: intruder.pid, guest: "stranger", reason: "guest stranger is outside the active domain" })]);
    expect(readKsmStat("/proc", intruder.pid)?.mergeable).toBe(true);
    expect(await sweep(machine.paths, { ...options, remove: true })).toMatchObject({ removed: 1 });
    expect(readKsmStat("/proc", intruder.pid)?.mergeable).toBe(false);
  });
});

describe.skipIf(whyNot !== "")("zero pages", () => {
  it("10 guests of 100 MB of zeros cost less than 1 % of their size", async () => {
    await using machine = new Machine();
    // A machine whose KSM runs already would merge the zeros with each other before it is told of the zero page.
    await applyKnobs(machine.paths, { run: 0 });
    for (let count = 0; count < 10; count++) await start(helperPath("ksm-exec"), testTool("memory-guest"), "0", "100", "0");
    const size = 10 * 100 * 1024 * 1024;
    await applyKnobs(machine.paths, { ...FAST, use_zero_pages: 1 });
    await machine.until("all zero", ({ zeroPages }) => zeroPages * PAGE_BYTES >= size * 0.999);
    // Two more scans: the kernel drops its bookkeeping for a page that has become the zero page when it comes by again.
    const { fullScans } = readCounters(machine.paths.sysfs);
    await machine.until("scanned again", (counters) => counters.fullScans >= fullScans + 2);
    const memory = guests.reduce((sum, { pid }) => sum + anonymousBytes(pid) + (readKsmStat("/proc", pid)?.rmapItems ?? 0) * 64, 0);
    expect(memory / size).toBeLessThan(0.01);
  });
});

/** Bytes still merged, and bytes that it pays for itself. ksm_stat lags: ksmd settles it when it comes by. */
function anonymousPages(pid: number): { ksm: number; own: number } {
  const text = readFileSync(`/proc/${pid}/smaps`, "utf8");
  const area = text.split(/^(?=[\da-f]+-[\da-f]+ )/mu).find((part) => /^Size:\s+204800 kB/mu.test(part)) ?? "";
  const bytes = (key: string): number => Number(new RegExp(`^${key}:\\s+(\\d+) kB`, "mu").exec(area)?.[1] ?? NaN) * 1024;
  return { ksm: bytes("KSM"), own: bytes("Pss") };
}

function anonymousBytes(pid: number): number {
  return Number(/^Anonymous:\s+(\d+) kB/mu.exec(readFileSync(`/proc/${pid}/smaps_rollup`, "utf8"))?.[1] ?? NaN) * 1024;
}
