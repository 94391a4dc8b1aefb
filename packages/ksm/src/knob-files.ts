import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { errnoCode } from "./errno-code.ts";
import { KsmError } from "./ksm-error.ts";
import { KNOB_NAMES } from "./knobs.ts";
import type { KnobName, Knobs, KnobValue } from "./knobs.ts";

/**
 * Reads every knob that this kernel has, found by its file.
 * @param sysfs KSM's directory
 * @throws KsmError no-ksm when the kernel has no KSM, io when a file cannot be read
 */
export function readKnobs(sysfs: string): Knobs {
  if (!existsSync(join(sysfs, "run")))
    throw new KsmError("no-ksm", sysfs, "this kernel has no KSM", "run a kernel built with CONFIG_KSM=y; files can still be unified");
  const knobs: Knobs = {};
  for (const name of KNOB_NAMES) {
    const value = readKnob(sysfs, name);
    if (value !== undefined) Object.assign(knobs, { [name]: value });
  }
  return knobs;
}

function readKnob(sysfs: string, name: KnobName): KnobValue | undefined {
  const path = join(sysfs, name);
  let text: string;
  try {
    text = readFileSync(path, "utf8").trim();
  } catch (cause) {
    if (errnoCode(cause) === "ENOENT") return undefined;
    throw new KsmError("io", path, "cannot be read", "check that /sys is mounted and readable", cause);
  }
  // `[none] scan-time`: the brackets mark the chosen one.
  if (name === "advisor_mode") return text.includes("[scan-time]") ? "scan-time" : "none";
  return Number(text);
}

/**
 * Writes one knob and reads it back: some stores answer success and change nothing.
 * @throws KsmError no-permission, busy or io
 */
export function writeKnob(sysfs: string, name: KnobName, value: KnobValue): void {
  const path = join(sysfs, name);
  try {
    writeFileSync(path, String(value));
  } catch (cause) {
    const code = errnoCode(cause);
    if (code === "EACCES" || code === "EPERM" || code === "EROFS")
      throw new KsmError("no-permission", path, "cannot be written", "run as root on the host itself, with /sys writable", cause);
    if (code === "EBUSY") throw new KsmError("busy", name, "the kernel refuses while pages are merged", "un-merge first: samepage ksm off", cause);
    throw new KsmError("io", path, `the kernel refused ${value}`, "samepage ksm status shows the knobs as they are now", cause);
  }
  const now = readKnob(sysfs, name);
  if (now !== value) throw new KsmError("io", path, `reads ${now} after ${value} was written`, "another tuner may be writing it: see samepage ksm status");
}
