import { KsmError } from "./ksm-error.ts";
import { isKnobName, KNOB_RULES } from "./knobs.ts";
import type { KnobName, KnobRule, Knobs, KnobValue } from "./knobs.ts";

/** One write, and what undoes it. */
export interface KnobStep {
  readonly knob: KnobName;
  readonly from: KnobValue;
  readonly to: KnobValue;
}

/**
 * The order in which knobs are written. The advisor is left before pages_to_scan (EINVAL while it is on) and entered
 * after it (entering resets pages_to_scan); scanning starts last, when everything else is in place.
 */
const ORDER: readonly KnobName[] = [
  "merge_across_nodes",
  "max_page_sharing",
  "stable_node_chains_prune_millisecs",
  "use_zero_pages",
  "smart_scan",
  "advisor_max_cpu",
  "advisor_target_scan_time",
  "advisor_min_pages_to_scan",
  "advisor_max_pages_to_scan",
  "sleep_millisecs",
  "pages_to_scan",
  "advisor_mode",
  "run",
];

/**
 * Turns wanted knobs into ordered writes; pure. Knobs that already have their value are left alone.
 * @param current every knob that this kernel has, as read now
 * @param pagesShared the kernel's pages_shared: while above 0 some knobs cannot change
 * @throws KsmError unsupported, out-of-range, busy or conflict; nothing has been written then
 */
export function planKnobs(current: Knobs, wanted: Knobs, pagesShared: number): KnobStep[] {
  const changes = new Map<KnobName, KnobStep>();
  for (const name of Object.keys(wanted)) {
    if (!isKnobName(name)) throw unsupported(name);
    const [from, to] = [current[name], wanted[name]];
    if (to === undefined) continue;
    if (from === undefined) throw unsupported(name);
    checkValue(name, to, KNOB_RULES[name]);
    if (from !== to) changes.set(name, { knob: name, from, to });
  }
  const after = { ...current, ...wanted };
  for (const { knob } of changes.values()) {
    if (KNOB_RULES[knob].needsUnmerged === true && pagesShared > 0)
      throw new KsmError(
        "busy",
        knob,
        `cannot change while ${pagesShared} pages are merged`,
        "un-merge first: samepage ksm off, then tune again",
      );
  }
  if (changes.has("pages_to_scan") && after.advisor_mode === "scan-time")
    throw new KsmError(
      "conflict",
      "pages_to_scan",
      "the kernel's advisor sets it while advisor_mode is scan-time",
      "set advisor_mode=none as well, or bound it by advisor_min_pages_to_scan and advisor_max_pages_to_scan",
    );
  const [least, most] = [after.advisor_min_pages_to_scan, after.advisor_max_pages_to_scan];
  if (least !== undefined && most !== undefined && least > most)
    throw new KsmError(
      "conflict",
      "advisor_min_pages_to_scan",
      `${least} is above advisor_max_pages_to_scan (${most})`,
      "lower the minimum or raise the maximum",
    );
  return order(changes);
}

function order(changes: Map<KnobName, KnobStep>): KnobStep[] {
  const steps: KnobStep[] = [];
  const advisor = changes.get("advisor_mode");
  if (advisor?.to === "none") steps.push(advisor);
  for (const name of ORDER) {
    const step = changes.get(name);
    if (step !== undefined && !steps.includes(step)) steps.push(step);
  }
  return steps;
}

function unsupported(name: string): KsmError {
  return new KsmError(
    "unsupported",
    name,
    isKnobName(name) ? "this kernel does not have the knob" : "there is no such knob",
    "samepage ksm status --json lists the knobs of this kernel",
  );
}

function checkValue(name: KnobName, value: KnobValue, rule: KnobRule): void {
  if (rule.choices !== undefined) {
    if (typeof value === "string" && rule.choices.includes(value)) return;
    throw new KsmError("out-of-range", name, `${value} is not one of ${rule.choices.join(", ")}`, "choose one of these");
  }
  if (name === "run" && value === 2)
    throw new KsmError("out-of-range", "run", "2 un-merges the whole host at once", "use samepage ksm off: it checks memory first and goes guest by guest");
  if (typeof value === "number" && Number.isInteger(value) && value >= rule.min && value <= rule.max) return;
  throw new KsmError("out-of-range", name, `${value} is outside ${rule.min} to ${rule.max}`, "choose a whole number in this range");
}
