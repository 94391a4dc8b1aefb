import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { buildCorpus } from "@samepage/test-corpus";
import { run, temporaryDirectory, withLoopFs } from "@samepage/test-support";
import { type Groups, inGroup, makeGroups } from "./control-groups.ts";
import { describeMachine } from "./machine.ts";

/**
 * Rounds, each with one slot of every kind in an order that turns, so that whatever else the machine does hits all alike. The 99th
 * percentiles of one round are compared, and the median of that counts: one disturbed slot says nothing.
 */
const rounds = 30;
const secondsASlot = 1;
const probeMiB = 64;
/** What must hold: the scan slows the guest's 99th percentile by no more. */
const promised = 1.05;

/** The second one without a scan is the control: how far two equal things lie apart here. */
const kinds = ["without a scan", "beside a scan", "without, again"] as const;
type Kind = (typeof kinds)[number];

interface Slot {
  /** Microseconds. */
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
  /** Nanoseconds, ascending. */
  readonly samples: readonly number[];
}

interface Latency {
  /** Microseconds: medians over the slots. */
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
  /** Over the samples of all slots. */
  readonly pooledP99: number;
  /** Each slot's 99th percentile. */
  readonly slots: readonly number[];
}

interface Measured {
  readonly cache: "warm" | "cold";
  /** What the scan did in its slots, per second of them. */
  readonly scannedMBPerSecond: number;
  readonly latency: Readonly<Record<Kind, Latency>>;
  /** Medians over the rounds: beside a scan to the mean of both without; the second without to the first. */
  readonly ratio: number;
  readonly control: number;
  /** The same of all samples taken together. */
  readonly pooledRatio: number;
  readonly pooledControl: number;
}

/** What a guest feels of a scan at default limits: a probe inside a guest's tree, with and without an agent's planning over the corpus. Needs root. */
async function main(): Promise<number> {
  const { values } = parseArgs({ options: { out: { type: "string", default: join(import.meta.dirname, "../../docs/benchmarks") }, guests: { type: "string", default: "4" } } });
  await using scratch = await temporaryDirectory("samepage-neighbour-");
  const probe = join(scratch.path, "latency-probe");
  await run("cc", ["-O2", "-o", probe, join(import.meta.dirname, "latency-probe.c")]);
  const machine = await describeMachine([]);
  await using groups = await makeGroups();
  const measured = await withLoopFs("ext4", 512 + Number(values.guests) * 900, async (fs) => {
    const tree = join(fs.mount, "guests");
    const guests = (await buildCorpus({ directory: tree, guests: Number(values.guests), notice: (line) => console.error(line) })).map(({ path }) => path);
    const file = join(guests[0] ?? "", "srv-data");
    await writeFile(file, Buffer.alloc(probeMiB * 2 ** 20, "data of a service "));
    const results: Measured[] = [];
    for (const cache of ["warm", "cold"] as const) {
      // After a new mount nothing is cached, and a scan leaves it so; reading everything first makes it warm, and the scan leaves that, too.
      await fs.remount();
      if (cache === "warm") await run("sh", ["-c", 'find "$1" -type f -exec cat {} + >/dev/null', "cat", tree]);
      await run("cat", [file]);
      results.push(await compare(cache, probe, file, guests, scratch.path, groups));
    }
    return results;
  });
  await mkdir(values.out, { recursive: true });
  await writeFile(join(values.out, "neighbour.json"), `${JSON.stringify({ machine, groups: groups.agent !== undefined, rounds, secondsASlot, promised, measured }, undefined, 2)}\n`);
  const page = render(machine, measured, groups.agent !== undefined);
  await writeFile(join(values.out, "neighbour.md"), page);
  console.log(page);
  return measured.every(({ ratio }) => ratio <= promised) ? 0 : 1;
}

async function compare(cache: Measured["cache"], probe: string, file: string, guests: readonly string[], scratch: string, groups: Groups): Promise<Measured> {
  const slots: Record<Kind, Slot[]> = { "without a scan": [], "beside a scan": [], "without, again": [] };
  const scan = await startScan(guests, scratch, groups);
  let scanned = 0;
  try {
    for (let round = 0; round < rounds; round++) {
      for (let turn = 0; turn < kinds.length; turn++) {
        const kind = kinds[(round + turn) % kinds.length] ?? kinds[0];
        const before = scan.bytes();
        if (kind === "beside a scan") scan.goOn();
        // All samples come at the end: one a line, nanoseconds.
        const samples = (await run(...inGroup(groups.guest, [probe, file, String(secondsASlot)]))).trim().split("\n").map(Number);
        scan.halt();
        scanned += scan.bytes() - before;
        slots[kind].push(describe(samples));
      }
      console.error(`${cache}, round ${round + 1} of ${rounds}: p99 ${kinds.map((kind) => slots[kind].at(-1)?.p99).join(", ")} µs`);
    }
  } finally {
    await scan.stop();
  }
  const p99 = (kind: Kind) => slots[kind].map((slot) => slot.p99);
  const first = p99("without a scan");
  const second = p99("without, again");
  return {
    cache,
    scannedMBPerSecond: Math.round(scanned / 1e6 / (rounds * secondsASlot)),
    latency: { "without a scan": summarize(slots["without a scan"]), "beside a scan": summarize(slots["beside a scan"]), "without, again": summarize(slots["without, again"]) },
    // Each round's slots lie within seconds of each other: whatever else the machine does is mostly the same for all three.
    ratio: median(p99("beside a scan").map((value, round) => (2 * value) / ((first[round] ?? Number.NaN) + (second[round] ?? Number.NaN)))),
    control: median(second.map((value, round) => value / (first[round] ?? Number.NaN))),
    pooledRatio: pooled(slots["beside a scan"]) / pooled([...slots["without a scan"], ...slots["without, again"]]),
    pooledControl: pooled(slots["without, again"]) / pooled(slots["without a scan"]),
  };
}

interface Scan {
  /** Read since it began. */
  readonly bytes: () => number;
  readonly goOn: () => void;
  readonly halt: () => void;
  readonly stop: () => Promise<void>;
}

/** Starts the scanning process and halts it once it reads: starting a program is not what is measured. */
async function startScan(guests: readonly string[], scratch: string, groups: Groups): Promise<Scan> {
  const child = spawn(...inGroup(groups.agent, [process.execPath, join(import.meta.dirname, "scan-child.ts"), join(scratch, "no-state"), ...guests]), { stdio: ["ignore", "pipe", "inherit"] });
  const closed = once(child, "close");
  let bytes = 0;
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    bytes = Number(text.trim().split("\n").at(-1));
  });
  await Promise.race([once(child.stdout, "data"), closed.then(() => Promise.reject(new Error("the scan ended by itself")))]);
  child.kill("SIGSTOP");
  return {
    bytes: () => bytes,
    goOn: () => child.kill("SIGCONT"),
    halt: () => child.kill("SIGSTOP"),
    stop: async () => {
      child.kill("SIGKILL");
      await closed;
    },
  };
}

function at(sorted: readonly number[], share: number): number {
  return Math.round((sorted[Math.floor(sorted.length * share)] ?? Number.NaN) / 100) / 10;
}

/** Of one slot. @param samples nanoseconds */
function describe(samples: readonly number[]): Slot {
  const sorted = samples.toSorted((a, b) => a - b);
  return { p50: at(sorted, 0.5), p99: at(sorted, 0.99), p999: at(sorted, 0.999), samples: sorted };
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}

/** The 99th percentile of all samples of all slots. */
function pooled(slots: readonly Slot[]): number {
  return at(slots.flatMap(({ samples }) => samples).toSorted((a, b) => a - b), 0.99);
}

function summarize(slots: readonly Slot[]): Latency {
  return { p50: median(slots.map(({ p50 }) => p50)), p99: median(slots.map(({ p99 }) => p99)), p999: median(slots.map(({ p999 }) => p999)), pooledP99: pooled(slots), slots: slots.map(({ p99 }) => p99) };
}

function render(machine: Awaited<ReturnType<typeof describeMachine>>, measured: readonly Measured[], grouped: boolean): string {
  return [
    "# What a guest feels of a scan",
    "",
    `Written by \`npm run bench:neighbour\`; the same figures are in \`neighbour.json\`. A probe in a guest's tree reads 4 kB at random places of a ${probeMiB} MiB file and does about 50 µs of work, once a millisecond; a sample is the time from when it should have begun to when it is done. Beside it a process plans over the corpus again and again at the agent's default limits, reading everything anew each time; it is halted in the slots without a scan. ${grouped ? "The probe has a control group of its own, as a guest has, and the scan that of the agent's unit." : "There are no control groups for processors here: both are plain processes."} ${rounds} rounds of three slots of ${secondsASlot} s each, in turn; figures are medians of slots, "all" is the 99th percentile of all slots' samples together.`,
    "",
    `${machine.cpu}, ${machine.cores} cores, ${machine.memoryGiB} GiB, Linux ${machine.kernel}, ${machine.distribution}, Node ${machine.node}; load before the run ${machine.loadBefore}.`,
    "",
    "| page cache | | p50 µs | p99 µs | p99.9 µs | p99 of all µs |",
    "|---|---|---:|---:|---:|---:|",
    ...measured.flatMap(({ cache, latency }) => kinds.map((kind) => `| ${cache} | ${kind} | ${latency[kind].p50} | ${latency[kind].p99} | ${latency[kind].p999} | ${latency[kind].pooledP99} |`)),
    "",
    ...measured.map(
      ({ cache, ratio, control, pooledRatio, pooledControl, scannedMBPerSecond }) =>
        `- ${cache}: the 99th percentile beside a scan is ${ratio.toFixed(3)} × that without, the median of the rounds (promised: at most ${promised}): **${ratio <= promised ? "met" : "not met"}**. Control, without again to without: ${control.toFixed(3)}. Of all samples together ${pooledRatio.toFixed(3)}, control ${pooledControl.toFixed(3)}. The scan read ${scannedMBPerSecond} MB/s meanwhile.`,
    ),
    "",
  ].join("\n");
}

process.exitCode = await main();
