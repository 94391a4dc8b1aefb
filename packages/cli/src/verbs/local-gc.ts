import { cowGuardInForce } from "../local/cow-guard.ts";
import { endingOf } from "../local/ending.ts";
import { guestArguments, guestOptions, poolOptions } from "../local/guest-options.ts";
import { garbageReportLines } from "../local/report-lines.ts";
import { onlyGiven } from "../only-given.ts";
import { defineVerb } from "../verb.ts";

export const localGc = defineVerb({
  path: "local gc",
  summary: "remove pool objects that no guest uses any more",
  arguments: guestArguments,
  options: guestOptions,
  examples: [{ command: "samepage local gc /var/lib/lxc/*/rootfs", meaning: "after guests were deleted or upgraded" }],
  run: async (input, context) => {
    const { collectGarbage } = await import("@samepage/unify");
    await using cowGuard = await cowGuardInForce();
    const report = await collectGarbage({ ...(await poolOptions(input, context)), ...onlyGiven({ cowGuard }) });
    return { json: report, human: (terminal) => garbageReportLines(report, terminal), exitCode: endingOf(report) };
  },
});
