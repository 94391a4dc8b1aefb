import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { buildCorpus } from "@samepage/test-corpus";
import { run, temporaryDirectory, withLoopFs } from "@samepage/test-support";
import { describeMachine } from "./machine.ts";

/**
 * Rounds, each with one slot of every kind in an order that turns, so that whatever else the machine does hits all alike. The 99th
 * percentile is taken slot by slot and its median counts: one disturbed slot says nothing.
 */
const rounds = 20;
const secondsASlot = 1.5;
const probeMiB = 64;
/** What must hold: the scan slows the guest's 99th percentile by no more. */
const promised = 1.05;

/** The second one without a scan is the control: how far two equal things lie apart here. */
const kinds = ["without a scan", "beside a scan", "without, again"] as const;
type Kind = (typeof kinds)[number];

interface Latency {
  /** Microseconds: medians over the slots. */
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
  readonly slots: readonly number[];
}

interface Measured {
  readonly cache: "warm" | "cold";
  /** What the scan did in its slots, per second of them. */
  readonly scannedMBPerSecond: number;
  readonly latency: Readonly<Record<Kind, Latency>>;
  readonly ratio: number;
  readonly control: number;
}

/** What a guest feels of a scan at default limits: a probe inside a guest's tree, with and without an agent's planning over the corpus. Needs root. */
async function main(): Promise<number> {
  const { values } = parseArgs({ options: { out: { type: "string", default: join(import.meta.dirname, "../../docs/benchmarks") }, guests: { type: "string", default: "4" } } });
  await using scratch = await temporaryDirectory("samepage-neighbour-");
  const probe = join(scratch.path, "latency-probe");
  await run("cc", ["-O2", "-o", probe, join(import.meta.dirname, "latency-probe.c")]);
  const machine = await describeMachine([]);
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
      results.push(await compare(cache, probe, file, guests, scratch.path));
    }
    return results;
  });
  await mkdir(values.out, { recursive: true });
  await writeFile(join(values.out, "neighbour.json"), `${JSON.stringify({ machine, rounds, secondsASlot, promised, measured }, undefined, 2)}\n`);
  const page = render(machine, measured);
  await writeFile(join(values.out, "neighbour.md"), page);
  console.log(page);
  return measured.every(({ ratio }) => ratio <= promised) ? 0 : 1;
}

async function compare(cache: Measured["cache"], probe: string, file: string, guests: readonly string[], scratch: string): Promise<Measured> {
  const slots: Record<Kind, Latency[]> = { "without a scan": [], "beside a scan": [], "without, again": [] };
  const scan = await startScan(guests, scratch);
  const before = scan.bytes();
  try {
    for (let round = 0; round < rounds; round++) {
      for (let turn = 0; turn < kinds.length; turn++) {
        const kind = kinds[(round + turn) % kinds.length] ?? kinds[0];
        if (kind === "beside a scan") scan.goOn();
        // All samples come at the end: one a line, nanoseconds.
        const samples = (await run(probe, [file, String(secondsASlot)])).trim().split("\n").map(Number);
        scan.halt();
        slots[kind].push(describe(samples));
      }
      console.error(`${cache}, round ${round + 1} of ${rounds}: p99 ${kinds.map((kind) => slots[kind].at(-1)?.p99).join(", ")} µs`);
    }
  } finally {
    await scan.stop();
  }
  const latency = { "without a scan": medians(slots["without a scan"]), "beside a scan": medians(slots["beside a scan"]), "without, again": medians(slots["without, again"]) };
  // Both kinds without a scan are the same thing: together they are what the scan is compared with.
  const still = medians([...slots["without a scan"], ...slots["without, again"]]).p99;
  return {
    cache,
    scannedMBPerSecond: Math.round((scan.bytes() - before) / 1e6 / (rounds * secondsASlot)),
    latency,
    ratio: latency["beside a scan"].p99 / still,
    control: latency["without, again"].p99 / latency["without a scan"].p99,
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
async function startScan(guests: readonly string[], scratch: string): Promise<Scan> {
  const child = spawn(process.execPath, [join(import.meta.dirname, "scan-child.ts"), join(scratch, "no-state"), ...guests], { stdio: ["ignore", "pipe", "inherit"] });
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

/** Of one slot. */
function describe(samples: readonly number[]): Omit<Latency, "slots"> & { readonly slots: readonly number[] } {
  const sorted = samples.toSorted((a, b) => a - b);
  const at = (share: number) => Math.round((sorted[Math.floor(sorted.length * share)] ?? Number.NaN) / 100) / 10;
  return { p50: at(0.5), p99: at(0.99), p999: at(0.999), slots: [at(0.99)] };
}

function medians(slots: readonly Latency[]): Latency {
  const median = (of: (slot: Latency) => number) => slots.map(of).toSorted((a, b) => a - b)[slots.length >> 1] ?? Number.NaN;
  return { p50: median(({ p50 }) => p50), p99: median(({ p99 }) => p99), p999: median(({ p999 }) => p999), slots: slots.flatMap(({ slots: own }) => own) };
}

function render(machine: Awaited<ReturnType<typeof describeMachine>>, measured: readonly Measured[]): string {
  return [
    "# What a guest feels of a scan",
    "",
    `Written by \`npm run bench:neighbour\`; the same figures are in \`neighbour.json\`. A probe in a guest's tree reads 4 kB at random places of a ${probeMiB} MiB file and does about 50 µs of work, once a millisecond; a sample is the time from when it should have begun to when it is done. Beside it a process plans over the corpus again and again at the agent's default limits, reading everything anew each time; it is halted in the slots without a scan. ${rounds} slots of ${secondsASlot} s of each kind, in turn; every figure is the median of its slots' own. "Without, again" is the control: two equal things lie as far apart as it does from the first line.`,
    "",
    `${machine.cpu}, ${machine.cores} cores, ${machine.memoryGiB} GiB, Linux ${machine.kernel}, ${machine.distribution}, Node ${machine.node}; load before the run ${machine.loadBefore}.`,
    "",
    "| page cache | | p50 µs | p99 µs | p99.9 µs |",
    "|---|---|---:|---:|---:|",
    ...measured.flatMap(({ cache, latency }) => kinds.map((kind) => `| ${cache} | ${kind} | ${latency[kind].p50} | ${latency[kind].p99} | ${latency[kind].p999} |`)),
    "",
    ...measured.map(({ cache, ratio, control, scannedMBPerSecond }) => `- ${cache}: the 99th percentile beside a scan is ${ratio.toFixed(3)} × that without (promised: at most ${promised}; control ${control.toFixed(3)}): **${ratio <= promised ? "met" : "not met"}**. The scan read ${scannedMBPerSecond} MB/s meanwhile.`),
    "",
  ].join("\n");
}

process.exitCode = await main();
