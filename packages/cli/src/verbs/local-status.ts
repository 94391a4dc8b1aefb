import { cowGuardStatus } from "../local/cow-guard.ts";
import { endingOf } from "../local/ending.ts";
import { guestArguments, guestOptions, poolOptions } from "../local/guest-options.ts";
import { guardLines } from "../local/guard-lines.ts";
import { statusReportLines } from "../local/report-lines.ts";
import { defineVerb } from "../verb.ts";

export const localStatus = defineVerb({
  path: "local status",
  summary: "show what the guests share now, on disk and in the page cache",
  arguments: guestArguments,
  options: guestOptions,
  examples: [{ command: "samepage local status /var/lib/lxc/*/rootfs", meaning: "what each guest would cost alone, and what it costs now" }],
  run: async (input, context) => {
    const { unifyStatus } = await import("@samepage/unify");
    const [report, cowGuard] = await Promise.all([unifyStatus(await poolOptions(input, context)), cowGuardStatus()]);
    return { json: { ...report, cowGuard }, human: (terminal) => [...statusReportLines(report, terminal), ...guardLines(cowGuard)], exitCode: endingOf(report) };
  },
});
