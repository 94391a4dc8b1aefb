import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { buildCorpus } from "@samepage/test-corpus";
import { run, temporaryDirectory, withLoopFs } from "@samepage/test-support";
import { describeMachine } from "./machine.ts";

/** Rounds of each kind, in turn with the other, so that whatever else the machine does hits both alike. */
const rounds = 8;
const secondsARound = 4;
const probeMiB = 64;
/** What must hold: the scan slows the guest's 99th percentile by no more. */
const promised = 1.05;

const kinds = ["without a scan", "beside a scan"] as const;
type Kind = (typeof kinds)[number];

interface Measured {
  readonly cache: "warm" | "cold";
  readonly scans: number;
  /** Microseconds, by kind. */
  readonly latency: Readonly<Record<Kind, { readonly p50: number; readonly p99: number; readonly p999: number; readonly samples: number }>>;
  readonly ratio: number;
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
  await writeFile(join(values.out, "neighbour.json"), `${JSON.stringify({ machine, rounds, secondsARound, promised, measured }, undefined, 2)}\n`);
  const page = render(machine, measured);
  await writeFile(join(values.out, "neighbour.md"), page);
  console.log(page);
  return measured.every(({ ratio }) => ratio <= promised) ? 0 : 1;
}

async function compare(cache: Measured["cache"], probe: string, file: string, guests: readonly string[], scratch: string): Promise<Measured> {
  const samples: Record<Kind, number[]> = { "without a scan": [], "beside a scan": [] };
  let scans = 0;
  for (let round = 0; round < rounds * 2; round++) {
    // 0 1 1 0: neither kind is always the one after the other.
    const kind = kinds[((round + 1) >> 1) % 2] ?? kinds[0];
    console.error(`${cache}, ${kind}, round ${(round >> 1) + 1} of ${rounds}`);
    const scan = kind === "beside a scan" ? await startScan(guests, scratch) : undefined;
    // All samples come at the end: one a line, nanoseconds.
    samples[kind].push(...(await run(probe, [file, String(secondsARound)])).trim().split("\n").map(Number));
    scans += scan?.ended() ?? 0;
    await scan?.stop();
  }
  const latency = { "without a scan": describe(samples["without a scan"]), "beside a scan": describe(samples["beside a scan"]) };
  return { cache, scans, latency, ratio: latency["beside a scan"].p99 / latency["without a scan"].p99 };
}

interface Scan {
  /** How many have ended since. */
  readonly ended: () => number;
  readonly stop: () => Promise<void>;
}

/** Starts the scanning process and waits until it is in its second scan: starting a program is not what is measured. */
async function startScan(guests: readonly string[], scratch: string): Promise<Scan> {
  const child = spawn(process.execPath, [join(import.meta.dirname, "scan-child.ts"), join(scratch, "no-state"), ...guests], { stdio: ["ignore", "pipe", "inherit"] });
  const closed = once(child, "close");
  let ended = 0;
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    ended += text.split("\n").length - 1;
  });
  await Promise.race([once(child.stdout, "data"), closed.then(() => Promise.reject(new Error("the scan ended by itself")))]);
  ended = 0;
  return {
    ended: () => ended,
    stop: async () => {
      child.kill();
      await closed;
    },
  };
}

function describe(samples: readonly number[]): Measured["latency"][Kind] {
  const sorted = samples.toSorted((a, b) => a - b);
  const at = (share: number) => Math.round((sorted[Math.floor(sorted.length * share)] ?? Number.NaN) / 100) / 10;
  return { p50: at(0.5), p99: at(0.99), p999: at(0.999), samples: sorted.length };
}

function render(machine: Awaited<ReturnType<typeof describeMachine>>, measured: readonly Measured[]): string {
  return [
    "# What a guest feels of a scan",
    "",
    `Written by \`npm run bench:neighbour\`; the same figures are in \`neighbour.json\`. A probe in a guest's tree reads 4 kB at random places of a ${probeMiB} MiB file and does about 50 µs of work, once a millisecond; a sample is the time from when it should have begun to when it is done. ${rounds} rounds of ${secondsARound} s without a scan, in turn with as many beside a process that plans over the corpus again and again at the agent's default limits, reading everything anew each time.`,
    "",
    `${machine.cpu}, ${machine.cores} cores, ${machine.memoryGiB} GiB, Linux ${machine.kernel}, ${machine.distribution}, Node ${machine.node}; load before the run ${machine.loadBefore}.`,
    "",
    "| page cache | | p50 µs | p99 µs | p99.9 µs | samples |",
    "|---|---|---:|---:|---:|---:|",
    ...measured.flatMap(({ cache, latency }) => kinds.map((kind) => `| ${cache} | ${kind} | ${latency[kind].p50} | ${latency[kind].p99} | ${latency[kind].p999} | ${latency[kind].samples} |`)),
    "",
    ...measured.map(({ cache, ratio, scans }) => `- ${cache}: the 99th percentile beside a scan is ${ratio.toFixed(3)} × that without (promised: at most ${promised}): **${ratio <= promised ? "holds" : "does not hold"}**. ${scans} scans ended meanwhile.`),
    "",
  ].join("\n");
}

process.exitCode = await main();
