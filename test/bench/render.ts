import type { Crowd } from "./crowd.ts";
import type { Machine } from "./machine.ts";
import { type Field, type Result, scenarios } from "./scenarios.ts";
import { crowdTargets, type Target, targetsOf } from "./targets.ts";

/** The whole run as a Markdown page: the machine, what was promised and reached, then one table for each tree and scenario, best first. */
export function render(machine: Machine, fields: readonly Field[], results: readonly Result[], crowds: readonly Crowd[]): string {
  const lines = [
    "# Unification beside other deduplicators",
    "",
    "Written by `npm run bench:unify`; the same figures are in `unify.json`. Every contender ran on the same trees in the same run;",
    "wall and CPU are seconds (medians); compare them as ratios, the more so where the machine was busy.",
    "",
    `${machineLine(machine)} ${machine.tools.join(", ")}.`,
    "",
    "*samepage* is the bundle that the Debian packages install, made of these sources for this run, with its own Node; Node's start is in its figures.",
    "*floor*: walks, and opens and reads once each file that may equal another, with as many threads; it compares nothing. *proof*: how a contender knows that two files are equal. *identity*: what else must agree before it merges; one that asks less merges more, and changes owners, modes or times.",
    "*cold*: after a new mount. *read*: bytes asked of the kernel. *merged*: inodes that went away; *freed*: by the file system's own count. A peer that took three times as long as the fastest in its first run was not run again, but in full runs.",
    "",
    "## Promised and reached",
    "",
    ...targetTable([...fields.flatMap((field) => targetsOf(field, results)), ...crowds.flatMap((crowd) => crowdTargets(crowd))]),
    "",
    ...crowds.flatMap((crowd) => renderCrowd(crowd)),
  ];
  for (const field of fields) {
    lines.push(`## ${field.type}, ${field.guests} guests: ${field.files.toLocaleString("en")} files, ${gigabytes(field.bytes)} GB on disk`, "");
    for (const scenario of scenarios) {
      const rows = results.filter((result) => result.fileSystem === field.type && result.guests === field.guests && result.scenario === scenario);
      if (rows.length > 0) lines.push(`### ${scenario[0]?.toUpperCase()}${scenario.slice(1)}`, "", ...table(rows), "");
    }
  }
  return `${lines.join("\n").trimEnd()}\n`;
}

/** The page of a run that only plans very many files. */
export function renderTenMillion(machine: Machine, crowd: Crowd): string {
  const lines = [
    "# Ten million files",
    "",
    "Written by `npm run bench:unify -- --ten-million`; the same figures are in `ten-million.json`. Memory is the peak of the command's one process, Node and native threads together, and does not depend on what else the machine does; times do.",
    "",
    machineLine(machine),
    "",
    ...renderCrowd(crowd),
  ];
  return `${lines.join("\n").trimEnd()}\n`;
}

function machineLine({ cpu, cores, memoryGiB, kernel, distribution, node, loadBefore }: Machine): string {
  return `${cpu}, ${cores} cores, ${memoryGiB} GiB, Linux ${kernel}, ${distribution}, Node ${node}; load before the run ${loadBefore}.`;
}

/** What very many files cost: a paragraph and its targets. */
function renderCrowd(crowd: Crowd): string[] {
  const mebibytes = (bytes: number) => (bytes / 2 ** 20).toFixed(0);
  return [
    `## ${crowd.files.toLocaleString("en")} files in 32 guests, ext4`,
    "",
    `Planned in ${crowd.wall.toFixed(1)} s (${crowd.cpu.toFixed(1)} s of CPU) with ${mebibytes(crowd.peakMemory)} MiB at most; a Node that does nothing has ${mebibytes(crowd.nodeMemory)} MiB, so ${crowd.bytesPerFile.toFixed(0)} bytes a file. Contents are holes: names and inodes are what this measures.`,
    ...crowd.peers.map(({ name, wall, peakMemory }) => `${name}: ${wall.toFixed(1)} s, ${mebibytes(peakMemory)} MiB.`),
    "",
    ...targetTable(crowdTargets(crowd)),
    "",
  ];
}

function targetTable(targets: readonly Target[]): string[] {
  const figure = (value: number) => (value >= 10 ? value.toFixed(0) : value.toFixed(2));
  return [
    "| promise | at most | reached | | against |",
    "|---|---:|---:|---|---|",
    ...targets.map(({ promise, wanted, reached, met, against }) => `| ${promise} | ${figure(wanted)} | ${figure(reached)} | ${met ? "met" : "not met"} | ${against} |`),
  ];
}

function table(results: readonly Result[]): string[] {
  const best = Math.min(...results.map(({ kind, cost }) => (kind === "peer" ? (cost?.wall ?? Infinity) : Infinity)));
  const sorted = results.toSorted((a, b) => (a.cost?.wall ?? Infinity) - (b.cost?.wall ?? Infinity));
  return [
    "| contender | proof | identity | wall | × best peer | CPU | peak MiB | read GB | merged | freed GB |",
    "|---|---|---|---:|---:|---:|---:|---:|---:|---:|",
    ...sorted.map(({ contender, proof, identity, cost, merged, freed, failure }) => {
      if (cost === undefined) return `| ${contender} | ${proof} | ${identity} | failed: ${(failure ?? "").replaceAll("|", "/").slice(0, 120)} | | | | | | |`;
      const figures = [cost.wall.toFixed(2), (cost.wall / best).toFixed(2), cost.cpu.toFixed(2), (cost.peakMemory / 2 ** 20).toFixed(0), gigabytes(cost.read)];
      return `| ${[contender, proof, identity, ...figures, merged?.toLocaleString("en") ?? "", freed === undefined ? "" : gigabytes(freed)].join(" | ")} |`;
    }),
  ];
}

function gigabytes(bytes: number): string {
  return (bytes / 1e9).toFixed(2);
}
