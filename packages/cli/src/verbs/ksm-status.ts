import { statusLines } from "../ksm/status-lines.ts";
import { defineVerb } from "../verb.ts";

export const ksmStatus = defineVerb({
  path: "ksm status",
  summary: "what merging does on this host, and what each guest gains",
  description: [
    "The savings of the guests add up to the kernel's general_profit. Beside what is claimed stands what is real: memory that the guests share now, and available memory compared with before the first change.",
  ],
  arguments: {},
  options: {},
  examples: [{ command: "samepage ksm status --json", meaning: "knobs, counters, account and other tuners as one object" }],
  run: async (_, { signal }) => {
    const { HOST_PATHS, ksmStatus: read } = await import("@samepage/ksm");
    const status = await read(HOST_PATHS, { signal });
    return { json: status, human: (terminal) => statusLines(status, terminal) };
  },
});
