import { cpus } from "node:os";
import type { Measured } from "./measured.ts";

/** Whether a figure keeps its limit; undefined where it only informs. */
export function isMet({ value, limit }: Measured): boolean | undefined {
  return limit === undefined ? undefined : value <= limit;
}

/** The machine in a line. @param load one-minute load average before the run */
export function describeMachine(load: number): string {
  return `${cpus().length} × ${cpus()[0]?.model.trim() ?? "unknown"}, Node ${process.versions.node}, load ${load.toFixed(1)} before`;
}

/** One line of the terminal. */
export function lineOf(measured: Measured): string {
  const { what, value, unit, limit } = measured;
  const met = isMet(measured);
  const verdict = met === undefined ? "" : `  ${met ? "met" : "NOT MET"} (limit ${limit})`;
  return `${what.padEnd(58)} ${value.toFixed(2).padStart(10)} ${unit}${verdict}`;
}

/** docs/benchmarks/catalog.md. */
export function renderPage(machine: string, results: readonly Measured[]): string {
  const rows = results.map((measured) => {
    const { what, value, unit, limit } = measured;
    const met = isMet(measured);
    return `| ${what.trim().replaceAll("|", String.raw`\|`)} | ${value.toFixed(2)} ${unit} | ${met === undefined ? "" : `${limit} ${unit}, ${met ? "met" : "**not met**"}`} |`;
  });
  return `# What the catalog costs

\`npm run bench:catalog\` measures this, writes this page and fails where a limit is exceeded. Measured on ${machine}; page cache warm, Redis on the same machine. Sizes and ratios carry over to other machines, times do not.

| | measured | limit |
| --- | --- | --- |
${rows.join("\n")}

A prefix of 8 bytes is hit by chance once in 2⁴⁴ lookups at a million entries. A hit only proposes; the bytes decide.

The alternatives in Redis were filled with 1,000,000 digests each, the segments with 10,000,000; bytes as Redis counts its memory (\`used_memory\`).

## 100,000,000 digests, on paper

- **Wire and Redis.** A Rice-coded sorted prefix costs about 64 − log₂ n + 1.5 bits: 45.6 at 10⁶, 42.3 at 10⁷, 38.9 at 10⁸. That is 490 MB of segments, in about 930 parts of 512 KiB.
- **Agents.** 8 bytes a prefix and the index beside it: 830 MB for one domain of 10⁸. No agent should hold that, and none has to: a catalog is per trust domain, and an agent holds those of its own guests. A hundred domains of 10⁶ cost each agent 8.3 MB.
- **One domain that large** is split by template group into catalogs of its own, as domains are now: the store, the manifest and the lookup are per catalog, so an agent with guests of three groups holds three.
- **Changes.** A delta of 10,000 is 6.5 bytes each whatever the base. Compaction at 20 % sends 490 MB anew to every agent that is up: at 10,000 agents and one compaction a month, 1.9 MB/s on average, spread by the announced wait.
- **Publishing** sorts and encodes the whole list: by the 10⁷ run, about ten times its time and 1.6 GB in the controller that publishes. Beyond that the base is encoded range by range; the format allows it, because a segment is a sorted list.
`;
}
