import { exitCode } from "../exit-code.ts";
import { texts, toggle } from "../option.ts";
import { plural } from "../terminal/format.ts";
import { defineVerb } from "../verb.ts";

export const ksmSweep = defineVerb({
  path: "ksm sweep",
  summary: "find processes that merge and should not",
  description: ["Databases, programs that hold keys and, with --allow, everything outside the named guests. Exit status 3 while such processes are left."],
  arguments: {},
  options: { allow: texts("guest", "a guest of the active domain; may be repeated (default: every guest)"), remove: toggle("opt them out") },
  examples: [{ command: "samepage ksm sweep --allow web-1 --allow web-2 --remove", meaning: "only these two may merge" }],
  run: async ({ allow, remove }, { signal }) => {
    const { HOST_PATHS, readKnobs, sweep } = await import("@samepage/ksm");
    readKnobs(HOST_PATHS.sysfs);
    const report = await sweep(HOST_PATHS, { remove, signal, ...(allow.length === 0 ? {} : { isAllowed: (guest: string) => allow.includes(guest), expected: allow }) });
    const left = report.intruders.length - report.removed;
    return {
      json: report,
      human: () => [
        ...report.intruders.map(({ pid, comm, guest, reason }) => `${pid} ${comm} in ${guest}: ${reason}`),
        `${plural(report.members, "member")} looked at, ${report.intruders.length} should not merge, ${report.removed} opted out`,
      ],
      exitCode: left > 0 ? exitCode.refused : exitCode.done,
    };
  },
});
