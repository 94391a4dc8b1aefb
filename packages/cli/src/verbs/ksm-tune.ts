import type { TunerEvent } from "@samepage/ksm";
import { exitCode } from "../exit-code.ts";
import { duration, integer, texts, toggle } from "../option.ts";
import { defineVerb } from "../verb.ts";

export const ksmTune = defineVerb({
  path: "ksm tune",
  summary: "merge as fast as a ceiling allows, then watch at almost no cost",
  description: [
    "Runs until Ctrl-C or --for. With --set it only writes these knobs, as one transaction, and returns. Either way the knobs stay as they are afterwards; samepage ksm off restores what was before the first change.",
    "Every decision is printed with its reason. When somebody else writes a knob, the tuner says so and ends.",
  ],
  arguments: {},
  options: {
    set: texts("knob=value", "write this knob and return; may be repeated"),
    for: duration("stop by itself after this time", "until Ctrl-C"),
    cpu: integer("percent", 1, 95, "what ksmd may use of one core while it merges", "70"),
    zeroPages: toggle("merge empty pages with the kernel's zero page"),
  },
  examples: [
    { command: "samepage ksm tune --zero-pages", meaning: "tune this host until Ctrl-C" },
    { command: "samepage ksm tune --set run=0", meaning: "stop merging, keep what is merged" },
  ],
  run: async (input, { signal, out }) => {
    const { applyKnobs, DEFAULT_LIMITS, HOST_PATHS, readCounters, requireNoTuner, runTuner } = await import("@samepage/ksm");
    if (input.set.length > 0) {
      const { parseKnobs } = await import("../ksm/parse-knobs.ts");
      const knobs = parseKnobs(input.set);
      await requireNoTuner(HOST_PATHS.proc, signal);
      const steps = await applyKnobs(HOST_PATHS, knobs);
      return { json: { steps }, human: () => (steps.length === 0 ? ["every knob had its value already"] : steps.map(({ knob, from, to }) => `${knob}: ${from} → ${to}`)) };
    }
    const events: TunerEvent[] = [];
    let shown = "";
    const end = input.for === undefined ? signal : AbortSignal.any([signal, AbortSignal.timeout(input.for * 1000)]);
    await runTuner(HOST_PATHS, {
      signal: end,
      limits: input.cpu === undefined ? DEFAULT_LIMITS : { ...DEFAULT_LIMITS, cpuCeiling: input.cpu / 100 },
      ...(input.zeroPages ? { fixed: { use_zero_pages: 1 } } : {}),
      onEvent: (event) => {
        const line = eventLine(event);
        if (line === shown) return;
        shown = line;
        events.push(event);
        out.line(line);
      },
    });
    const isForeign = events.some(({ kind }) => kind === "foreign") && !end.aborted;
    const counters = readCounters(HOST_PATHS.sysfs);
    return { json: { events, counters }, human: () => [], exitCode: isForeign ? exitCode.refused : exitCode.done };
  },
});

/** One decision on one line. The same line twice in a row is said once. */
function eventLine(event: TunerEvent): string {
  switch (event.kind) {
    case "decision":
      return `${event.decision.phase}: ${event.decision.reason}`;
    case "ladder":
      return `back off from ${event.from} to ${event.to}: ${event.reason}`;
    case "held":
      return `cannot be ${event.rung}: ${event.reason}`;
    case "opt-out":
      return `${event.guest} opted out (${event.processes} processes): ${event.reason}`;
    case "foreign":
      return event.changes.map(({ knob, ours, now }) => `somebody else wrote ${knob}: ${now}, samepage had written ${ours}`).join("; ");
  }
}
