/** The kernel's scan-time advisor (6.8): it sets pages_to_scan so that one full scan takes a target time. */
export type AdvisorMode = "none" | "scan-time";

/** Every writable KSM knob by its file name (Documentation/admin-guide/mm/ksm.rst). Absent: this kernel lacks it. */
export interface Knobs {
  /** 0 stopped, merges kept; 1 running; 2 stopped and unmerged. */
  readonly run?: number;
  /** Pages looked at between two sleeps. */
  readonly pages_to_scan?: number;
  /** Milliseconds slept between two batches. */
  readonly sleep_millisecs?: number;
  /** 1: pages of different NUMA nodes may merge. */
  readonly merge_across_nodes?: number;
  /** How many mappings one merged page may have. */
  readonly max_page_sharing?: number;
  /** Milliseconds between two prunings of the chains of over-shared pages. */
  readonly stable_node_chains_prune_millisecs?: number;
  /** 1: empty pages merge with the kernel's zero page. */
  readonly use_zero_pages?: number;
  /** 1: pages that keep failing to merge are looked at less often (6.7). */
  readonly smart_scan?: number;
  readonly advisor_mode?: AdvisorMode;
  /** Percent of one core that the advisor plans with. */
  readonly advisor_max_cpu?: number;
  /** Seconds. */
  readonly advisor_target_scan_time?: number;
  readonly advisor_min_pages_to_scan?: number;
  readonly advisor_max_pages_to_scan?: number;
}

export type KnobName = keyof Knobs;
export type KnobValue = number | AdvisorMode;

/** What the kernel accepts for one knob. */
export interface KnobRule {
  readonly min: number;
  readonly max: number;
  /** Named values instead of numbers. */
  readonly choices?: readonly AdvisorMode[];
  /** The kernel answers EBUSY to a change while pages are merged. */
  readonly needsUnmerged?: true;
}

const UINT_MAX = 0xff_ff_ff_ff;

/**
 * Ranges are the kernel's (mm/ksm.c, the *_store functions), except where it checks less than it should:
 * advisor_max_cpu has no upper check, and more than 100 % of one thread means nothing; below 10 the advisor's own
 * floor applies. sleep_millisecs above an hour is a stopped KSM that looks running.
 */
export const KNOB_RULES: Readonly<Record<KnobName, KnobRule>> = {
  run: { min: 0, max: 1 },
  pages_to_scan: { min: 1, max: UINT_MAX },
  sleep_millisecs: { min: 0, max: 3_600_000 },
  merge_across_nodes: { min: 0, max: 1, needsUnmerged: true },
  max_page_sharing: { min: 2, max: 0x7f_ff_ff_ff, needsUnmerged: true },
  stable_node_chains_prune_millisecs: { min: 0, max: UINT_MAX },
  use_zero_pages: { min: 0, max: 1 },
  smart_scan: { min: 0, max: 1 },
  advisor_mode: { min: 0, max: 0, choices: ["none", "scan-time"] },
  advisor_max_cpu: { min: 10, max: 100 },
  advisor_target_scan_time: { min: 1, max: UINT_MAX },
  advisor_min_pages_to_scan: { min: 1, max: UINT_MAX },
  advisor_max_pages_to_scan: { min: 1, max: UINT_MAX },
};

/** Is this the name of a knob that some kernel has? */
export function isKnobName(name: string): name is KnobName {
  return Object.hasOwn(KNOB_RULES, name);
}

export const KNOB_NAMES: readonly KnobName[] = Object.keys(KNOB_RULES).filter(isKnobName);
