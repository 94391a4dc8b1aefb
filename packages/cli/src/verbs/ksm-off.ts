import { formatCount } from "../terminal/format.ts";
import { defineVerb } from "../verb.ts";

export const ksmOff = defineVerb({
  path: "ksm off",
  summary: "undo everything: opt out, un-merge, restore every knob",
  description: [
    "First it calculates whether memory and each guest's limit have room for the private copies; if not, nothing changes and the exit status is 3. Then guest by guest. What was merged before samepage's first change stays merged.",
  ],
  arguments: {},
  options: {},
  examples: [{ command: "samepage ksm off", meaning: "as if samepage had never tuned this host" }],
  run: async (_, { signal }) => {
    const { HOST_PATHS, ksmOff: off } = await import("@samepage/ksm");
    const report = await off(HOST_PATHS, { signal });
    return {
      json: report,
      human: () =>
        report.hadState
          ? [
              ...(report.unmerged === undefined ? [] : [`${formatCount(report.unmerged.pages)} pages un-merged in ${report.unmerged.guests.length} guests`]),
              `${report.optedOut} processes opted out`,
              ...report.restored.map(({ knob, from, to }) => `${knob}: ${from} → ${to}`),
            ]
          : ["samepage has changed nothing on this host"],
    };
  },
});
