import { release } from "node:os";
import { CliError } from "../cli-error.ts";
import { many } from "../option.ts";
import { defineVerb } from "../verb.ts";

export const ksmExec = defineVerb({
  path: "ksm exec",
  summary: "run a command whose memory may merge",
  description: [
    "Becomes the command: same process, its exit status. It needs no privilege, works for static programs, and everything that the command starts inherits it (from Linux 6.7; on 6.4 to 6.6 a preload shim carries it on).",
  ],
  arguments: { command: many("command", "the command and its arguments, after --") },
  options: {},
  examples: [{ command: "samepage ksm exec -- lxc-start -F -n web", meaning: "a container, with all that runs in it" }],
  run: async ({ command }, { environment }) => {
    const { helperPath } = await import("@samepage/ksm");
    const helper = helperPath("ksm-exec");
    // Not a child: nothing of ours stays while the command runs, and signals reach the command itself.
    process.execve?.(helper, [helper, ...command], { ...environment, ...(execDropsOptIn(release()) ? { KSM_PRELOAD: helperPath("libksm-preload.so") } : {}) });
    throw new CliError("work-failed", `this Node (${process.versions.node}) cannot become another program`, `Run ${helper} instead, it is the same.`);
  },
});

/** Linux 6.4 to 6.6 clear the opt-in at exec. The release is asked because nothing else on the system tells. */
function execDropsOptIn(kernel: string): boolean {
  const [, major, minor] = /^(\d+)\.(\d+)/u.exec(kernel) ?? [];
  return Number(major) === 6 && Number(minor) >= 4 && Number(minor) < 7;
}
