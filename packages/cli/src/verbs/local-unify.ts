import { cowGuardFor } from "../local/cow-guard.ts";
import { endingOf } from "../local/ending.ts";
import { guestArguments } from "../local/guest-options.ts";
import { unifyReportLines } from "../local/report-lines.ts";
import { unifyOptions, unifyVerbOptions } from "../local/unify-options.ts";
import { defineVerb } from "../verb.ts";

export const localUnify = defineVerb({
  path: "local unify",
  summary: "make identical files of the guests share storage",
  description: [
    "Every merge is verified byte by byte before it is made; owner, mode, times, ACLs and attributes stay as they are. Interrupted at any moment, nothing is missing; the next run goes on.",
    "Strategy hardlink saves disk and page cache, reflink (XFS, btrfs) saves disk. Guard cow gives a writing guest a private copy, immutable refuses the write, none protects nothing and is only for trees that nobody writes.",
  ],
  arguments: guestArguments,
  options: unifyVerbOptions,
  examples: [
    { command: "samepage local unify /var/lib/lxc/*/rootfs", meaning: "unify all LXC guests by the strongest means that this host has" },
    { command: "samepage local unify --strategy hardlink --guard immutable --domain web /srv/web-*", meaning: "stopped guests of one trust domain" },
    { command: "samepage local unify --deadline 2030-01-31T04:00:00Z /vz/private/*", meaning: "stop by itself when the night is over" },
  ],
  run: async (input, context) => {
    const { unify } = await import("@samepage/unify");
    await using cowGuard = await cowGuardFor(input);
    const report = await unify({ ...(await unifyOptions(input, context)), ...(cowGuard === undefined ? {} : { cowGuard }) });
    return { json: report, human: (terminal) => unifyReportLines(report, terminal), exitCode: endingOf(report) };
  },
});
