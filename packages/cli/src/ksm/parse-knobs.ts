import { isKnobName } from "@samepage/ksm";
import type { Knobs } from "@samepage/ksm";
import { CliError } from "../cli-error.ts";

/** Reads `knob=value` as often as given; the later one wins. Ranges are the library's to check. */
export function parseKnobs(settings: readonly string[]): Knobs {
  const knobs: Knobs = {};
  for (const setting of settings) {
    const [, name = "", value = ""] = /^(\w+)=(.+)$/u.exec(setting) ?? [];
    if (!isKnobName(name)) throw new CliError("bad-argument", `--set ${setting}: not a knob and its value`, "Write it as in --set pages_to_scan=1000; samepage ksm status --json lists the knobs.");
    Object.assign(knobs, { [name]: name === "advisor_mode" ? value : Number(value) });
  }
  return knobs;
}
