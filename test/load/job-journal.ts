import { readFileSync } from "node:fs";

/** What the simulator noted of the jobs that it did. */
export interface JobJournal {
  /** In the order of time; `at` is epoch ms. */
  readonly begun: readonly { readonly host: string; readonly at: number }[];
  /** How often each host's job ended, well or badly; one that was cut off has not. */
  readonly ended: ReadonlyMap<string, number>;
}

export function readJournal(path: string): JobJournal {
  const entries = readFileSync(path, "utf8")
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => line.split(" "));
  const ended = new Map<string, number>();
  for (const [what, host = ""] of entries) if (what === "ended") ended.set(host, (ended.get(host) ?? 0) + 1);
  return { begun: entries.filter(([what]) => what === "begun").map(([, host = "", at]) => ({ host, at: Number(at) })), ended };
}
