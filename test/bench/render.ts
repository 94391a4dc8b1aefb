import type { Machine } from "./machine.ts";
import { type Field, type Result, scenarios } from "./scenarios.ts";

/** The whole run as a Markdown page: the machine, then one table for each tree and scenario, best first. */
export function render(machine: Machine, fields: readonly Field[], results: readonly Result[]): string {
  const lines = [
    "# Unification beside other deduplicators",
    "",
    "Written by `npm run bench:unify`; the same figures are in `unify.json`. Every contender ran on the same trees in the same run;",
    "wall and CPU are seconds (medians), compare them as ratios: the machine was not idle.",
    "",
    `${machine.cpu}, ${machine.cores} cores, ${machine.memoryGiB} GiB, Linux ${machine.kernel}, ${machine.distribution}, Node ${machine.node}; load before the run ${machine.loadBefore}. ${machine.tools.join(", ")}.`,
    "",
    "*proof*: how a contender knows that two files are equal. *identity*: what else must agree before it merges; one that asks less merges more, and changes owners, modes or times.",
    "*cold*: after a new mount. *read*: bytes asked of the kernel. *merged*: inodes that went away; *freed*: by the file system's own count.",
    "",
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

function table(results: readonly Result[]): string[] {
  const best = Math.min(...results.map(({ contender, cost }) => (contender.startsWith("samepage") ? Infinity : (cost?.wall ?? Infinity))));
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
