import { diagnose, type Finding } from "../doctor/diagnose.ts";
import { gatherHostFacts } from "../doctor/host-facts.ts";
import { requireDirectories } from "../local/require-directories.ts";
import type { ArgumentSpec } from "../verb.ts";
import { defineVerb } from "../verb.ts";
import type { Terminal } from "../terminal/terminal.ts";

const directories: ArgumentSpec<readonly string[]> = { value: "dir", description: "directories whose file systems to judge; default: /", arity: "any", completes: "directory" };

export const doctor = defineVerb({
  path: "doctor",
  summary: "say what this host can do, what not, why, and how to get it",
  description: ["Looks at the kernel, the file systems of the given directories, guards, change detection, KSM and Redis. Changes nothing. Exit status 0 even when something is missing: nothing of it is needed by everybody."],
  arguments: { dirs: directories },
  options: {},
  examples: [{ command: "samepage doctor /var/lib/lxc", meaning: "can the guests of LXC share, and how" }],
  run: async ({ dirs }) => {
    const asked = dirs.length === 0 ? ["/"] : dirs;
    await requireDirectories(asked);
    const facts = await gatherHostFacts(asked);
    const findings = diagnose(facts);
    return {
      json: { kernel: facts.kernelRelease, node: facts.nodeVersion, fileSystems: facts.fileSystems, findings },
      human: (terminal) =>
        [...Map.groupBy(findings, ({ area }) => area)].flatMap(([area, members]) => [terminal.style.bold(area)].concat(members.flatMap((member) => findingLines(member, terminal)))),
    };
  },
});

function findingLines({ name, works, why, remedy }: Finding, { style }: Terminal): string[] {
  const mark = works ? style.good("yes") : style.warn("no ");
  const line = `  ${mark}  ${name}: ${why}`;
  return remedy === "" ? [line] : [line, style.dim(`       ${remedy}`)];
}
