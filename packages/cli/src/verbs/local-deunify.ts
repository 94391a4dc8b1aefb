import { cowGuardInForce } from "../local/cow-guard.ts";
import { endingOf } from "../local/ending.ts";
import { limitOptions, limitsOf } from "../local/limit-options.ts";
import { guestArguments, guestOptions, poolOptions } from "../local/guest-options.ts";
import { deunifyReportLines } from "../local/report-lines.ts";
import { instant } from "../option.ts";
import { onlyGiven } from "../only-given.ts";
import { defineVerb } from "../verb.ts";

export const localDeunify = defineVerb({
  path: "local deunify",
  summary: "give the guests private copies of their files back",
  description: ["Needs the space on disk that unifying freed."],
  arguments: guestArguments,
  options: { deadline: instant("stop by itself then; the next run goes on"), ...limitOptions, ...guestOptions },
  examples: [{ command: "samepage local deunify /var/lib/lxc/web/rootfs", meaning: "take one guest out of sharing" }],
  run: async (input, context) => {
    const { deunify } = await import("@samepage/unify");
    await using cowGuard = await cowGuardInForce();
    const report = await deunify({ ...(await poolOptions(input, context)), ...limitsOf(input), ...onlyGiven({ cowGuard }), ...(input.deadline === undefined ? {} : { deadline: input.deadline }) });
    return { json: report, human: (terminal) => deunifyReportLines(report, terminal), exitCode: endingOf(report) };
  },
});
