import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { errnoCode } from "./errno-code.ts";
import { KsmError } from "./ksm-error.ts";
import { KNOB_NAMES } from "./knobs.ts";
import type { KnobName, Knobs, KnobValue } from "./knobs.ts";

/**
 * Reads every knob that this kernel has, found by its file.
 * @param sysfs KSM's directory
 * @throws KsmError KSM_ABSENT when the kernel has no KSM, KSM_IO when a file cannot be read
 */
export function readKnobs(sysfs: string): Knobs {
  if (!existsSync(join(sysfs, "run")))
    throw new KsmError("KSM_ABSENT", sysfs, "this kernel has no KSM", "run a kernel built with CONFIG_KSM=y; files can still be unified");
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
    throw new KsmError("KSM_IO", path, "cannot be read", "check that /sys is mounted and readable", cause);
  }
  // `[none] scan-time`: the brackets mark the chosen one.
  if (name === "advisor_mode") return text.includes("[scan-time]") ? "scan-time" : "none";
  return Number(text);
}

/**
 * Writes one knob and reads it back: some stores answer success and change nothing.
 * @throws KsmError KSM_PERMISSION, KSM_BUSY or KSM_IO
 */
export function writeKnob(sysfs: string, name: KnobName, value: KnobValue): void {
  const path = join(sysfs, name);
  try {
    writeFileSync(path, String(value));
  } catch (cause) {
    const code = errnoCode(cause);
    if (code === "EACCES" || code === "EPERM" || code === "EROFS")
      throw new KsmError("KSM_PERMISSION", path, "cannot be written", "run as root on the host itself, with /sys writable", cause);
    if (code === "EBUSY") throw new KsmError("KSM_BUSY", name, "the kernel refuses while pages are merged", "un-merge first: samepage ksm off", cause);
    throw new KsmError("KSM_IO", path, `the kernel refused ${value}`, "samepage ksm status shows the knobs as they are now", cause);
  }
  const now = readKnob(sysfs, name);
  if (now !== value) throw new KsmError("KSM_IO", path, `reads ${now} after ${value} was written`, "another tuner may be writing it: see samepage ksm status");
}
