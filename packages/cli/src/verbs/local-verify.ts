import { exitCode } from "../exit-code.ts";
import { endingOf } from "../local/ending.ts";
import { limitOptions, limitsOf } from "../local/limit-options.ts";
import { guestArguments, guestOptions, poolOptions } from "../local/guest-options.ts";
import { verifyReportLines } from "../local/report-lines.ts";
import { instant } from "../option.ts";
import { defineVerb } from "../verb.ts";

export const localVerify = defineVerb({
  path: "local verify",
  summary: "read every shared file again and compare it with its digest",
  description: ["Exit status 1 when a shared file is damaged."],
  arguments: guestArguments,
  options: { deadline: instant("stop by itself then"), ...limitOptions, ...guestOptions },
  examples: [{ command: "samepage local verify /var/lib/lxc/*/rootfs", meaning: "after a disk gave errors" }],
  run: async (input, context) => {
    const { verifyPool } = await import("@samepage/unify");
    const report = await verifyPool({ ...(await poolOptions(input, context)), ...limitsOf(input), ...(input.deadline === undefined ? {} : { deadline: input.deadline }) });
    const isDamaged = report.pools.some(({ damaged }) => damaged.length > 0);
    return { json: report, human: (terminal) => verifyReportLines(report, terminal), exitCode: isDamaged ? exitCode.failed : endingOf(report) };
  },
});
