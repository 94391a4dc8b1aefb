import { cowGuardFor } from "../local/cow-guard.ts";
import { endingOf } from "../local/ending.ts";
import { guestArguments } from "../local/guest-options.ts";
import { unifyReportLines } from "../local/report-lines.ts";
import { unifyOptions, unifyVerbOptions } from "../local/unify-options.ts";
import { defineVerb } from "../verb.ts";

export const localPlan = defineVerb({
  path: "local plan",
  summary: "show what local unify with the same options would do; change nothing",
  description: ["This is the very plan that unify executes. The bytes are predicted from block and link counts: a shared inode frees nothing until its last name goes."],
  arguments: guestArguments,
  options: unifyVerbOptions,
  examples: [{ command: "samepage local plan /var/lib/lxc/*/rootfs", meaning: "what would unifying all LXC guests save" }],
  run: async (input, context) => {
    // The engine's native part is loaded only by the verbs that need it.
    const { planUnify } = await import("@samepage/unify");
    await using cowGuard = await cowGuardFor(input);
    using plan = await planUnify({ ...(await unifyOptions(input, context)), ...(cowGuard === undefined ? {} : { cowGuard }) });
    const { report, hash } = plan;
    return { json: { ...report, planHash: hash }, human: (terminal) => unifyReportLines(report, terminal), exitCode: endingOf(report) };
  },
});
