import { enrollExit, enrollLines } from "../ksm/enroll-lines.ts";
import { managerOption } from "../ksm/manager-option.ts";
import { one, toggle } from "../option.ts";
import { defineVerb } from "../verb.ts";

export const ksmEnroll = defineVerb({
  path: "ksm enroll",
  summary: "opt a running guest in, process by process, or out again",
  description: [
    "The guest is a container's name, pid:N (the pid namespace of process N), cgroup:/PATH, or its root directory. Each process is stopped for about 0.1 ms; each outcome is verified in ksm_stat and reported. Databases and programs that hold keys stay out. A process whose own seccomp filter forbids the call is left alone.",
    "Whatever is merged counts as readable, through timing, by every other guest that merges: enroll only guests of one trust domain.",
  ],
  arguments: { guest: one("guest", "name, pid:N, cgroup:/PATH or root directory") },
  options: {
    out: toggle("the way back: opt the guest out and give it private copies"),
    persist: toggle("write the setting that opts the guest in at every start, too"),
    manager: managerOption,
  },
  examples: [
    { command: "samepage ksm enroll web --persist --manager lxc", meaning: "now, and at every start" },
    { command: "samepage ksm enroll web --out", meaning: "back to private memory" },
  ],
  run: async ({ guest, out, persist, manager }, { signal }) => {
    const { enrollGuest, HOST_PATHS, readKnobs, resolveGuest, snippetFor, withdrawGuest, writeSnippet } = await import("@samepage/ksm");
    readKnobs(HOST_PATHS.sysfs); // a kernel without KSM is said so, before anything is looked for
    const snippet = persist && !out ? snippetFor("opt-in", manager ?? "lxc", guest) : undefined;
    const selector = await resolveGuest(HOST_PATHS.proc, guest, signal);
    const report = await (out ? withdrawGuest : enrollGuest)(HOST_PATHS, selector, { signal });
    const path = snippet === undefined ? undefined : writeSnippet(snippet);
    return {
      json: { guest, ...report, ...(snippet === undefined ? {} : { persisted: { ...snippet, path } }) },
      human: () => [
        ...enrollLines(guest, report, out ? "opted out" : "opted in"),
        ...(snippet === undefined ? [] : [`${path} written; ${snippet.activate}`]),
      ],
      exitCode: enrollExit(report),
    };
  },
});
