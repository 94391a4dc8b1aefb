import type { BlackoutView, WindowView } from "@samepage/controller/api";
import { CliError } from "../cli-error.ts";
import { duration, one, text, toggle } from "../option.ts";
import { connect, connectionOptions } from "../remote/connection.ts";
import { defineVerb } from "../verb.ts";

export const windowApply = defineVerb({
  path: "window apply",
  summary: "define when hosts may be worked on, or, with --blackout, when they may not",
  description: [
    "A window or blackout of that name is replaced. Hosts that no window is for may be worked on at any time; a blackout holds whatever windows say. Rollouts that are under way look at them at once.",
    "A schedule is cron (30 23 * * sat; also L, sat#2, satL) or a calendar time (Sat 23:30, Mon..Fri 02:00,14:00, 2026-12-24 22:00). It is read in --zone, and the window stays open for --for from there, whatever the clocks do meanwhile.",
  ],
  arguments: { name: one("name", "its name, unique among windows (or blackouts)") },
  options: {
    selector: text("selector", "the hosts it is for: terms joined by commas, e.g. env=prod,name~web-*", { defaultText: "all" }),
    schedule: text("schedule", "when it opens"),
    for: duration("how long it stays open, 1m to 31d", "none: a window or repeating blackout needs it"),
    zone: text("zone", "IANA zone of its times, e.g. Europe/Berlin; host for each host's own", { defaultText: "host" }),
    blackout: toggle("define a blackout instead of a window"),
    from: text("time", "blackout only, instead of a schedule: the local day or time it begins, 2026-12-24 or 2026-12-24T18:00"),
    to: text("time", "with --from: the local day (included) or time it ends"),
    ...connectionOptions,
  },
  examples: [
    { command: "samepage window apply nightly --selector env=prod --schedule 'Mon..Fri 02:00' --for 3h", meaning: "three hours each night by every host's own clock" },
    { command: "samepage window apply holidays --blackout --from 2026-12-24 --to 2026-12-26", meaning: "nothing is touched on these days" },
  ],
  run: async (input, context) => {
    const { name } = input;
    const rule = ruleOf(input);
    const { windows } = await connect(input, context);
    const stored = input.blackout || !("schedule" in rule) ? await windows.putBlackout(rule, context.signal) : await windows.put(rule, context.signal);
    return { json: stored, human: () => [`${input.blackout ? "blackout" : "window"} ${name} is in force; samepage window next HOST shows what it means for a host`] };
  },
});

interface Input {
  readonly name: string;
  readonly selector: string | undefined;
  readonly schedule: string | undefined;
  readonly for: number | undefined;
  readonly zone: string | undefined;
  readonly blackout: boolean;
  readonly from: string | undefined;
  readonly to: string | undefined;
}

function ruleOf(input: Input): BlackoutView {
  const { name, selector = "all", zone = "host", blackout, from, to } = input;
  if (from === undefined && to === undefined) return repeatingOf(input);
  if (!blackout) throw new CliError("bad-argument", "--from and --to are for blackouts", "Add --blackout, or give a window --schedule and --for.");
  if (input.schedule !== undefined || input.for !== undefined) throw new CliError("bad-argument", "a blackout either repeats or happens once", "Give --schedule and --for, or --from and --to.");
  if (from === undefined || to === undefined) throw new CliError("bad-argument", "a single blackout needs both its ends", "Give --from and --to.");
  return { name, selector, zone, from, to };
}

function repeatingOf({ name, selector = "all", schedule, for: durationSeconds, zone = "host" }: Input): WindowView {
  if (schedule === undefined || durationSeconds === undefined) {
    throw new CliError("bad-argument", `${name} has no ${schedule === undefined ? "--schedule" : "--for"}`, "Say when it opens and for how long, e.g. --schedule 'Sat 23:30' --for 4h.");
  }
  return { name, selector, schedule, zone, durationSeconds };
}
