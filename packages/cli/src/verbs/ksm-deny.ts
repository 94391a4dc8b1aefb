import { enrollLines } from "../ksm/enroll-lines.ts";
import { managerOption } from "../ksm/manager-option.ts";
import { exitCode } from "../exit-code.ts";
import { one, toggle } from "../option.ts";
import { defineVerb } from "../verb.ts";

export const ksmDeny = defineVerb({
  path: "ksm deny",
  summary: "keep a guest out of merging: opt it out now, refuse it from its next start on",
  description: [
    "Any process may opt itself in, without privilege: only a seccomp filter set before the guest starts keeps it out. This opts the running guest out and prints the setting that installs the filter; --persist writes it.",
  ],
  arguments: { guest: one("guest", "the name of the container, machine or unit") },
  options: { persist: toggle("write the setting instead of printing it"), manager: managerOption },
  examples: [{ command: "samepage ksm deny db --persist --manager nspawn", meaning: "a guest of another trust domain" }],
  run: async ({ guest, persist, manager }, { signal }) => {
    const { HOST_PATHS, KsmError, readKnobs, resolveGuest, snippetFor, withdrawGuest, writeSnippet } = await import("@samepage/ksm");
    readKnobs(HOST_PATHS.sysfs);
    const snippet = snippetFor("deny", manager ?? "lxc", guest);
    const path = persist ? writeSnippet(snippet) : undefined;
    const selector = await resolveGuest(HOST_PATHS.proc, guest, signal).catch((error: unknown) => {
      // Not running is the best moment to set the filter.
      if (error instanceof KsmError && error.code === "no-guest") return undefined;
      throw error;
    });
    const report = selector === undefined ? undefined : await withdrawGuest(HOST_PATHS, selector, { signal });
    return {
      json: { guest, snippet, written: path, ...(report === undefined ? {} : { withdrawn: report }) },
      human: () => [
        ...(report === undefined ? [`${guest} is not running`] : enrollLines(guest, report, "opted out")),
        ...(path === undefined ? [`${snippet.path}:`, ...snippet.content.trimEnd().split("\n").map((line) => `  ${line}`)] : [`${path} written`]),
        snippet.activate,
      ],
      exitCode: report?.stable === false ? exitCode.failed : exitCode.done,
    };
  },
});
