import { describe, expect, it } from "vitest";
import { KsmError } from "./ksm-error.ts";
import { planKnobs } from "./knob-plan.ts";
import type { Knobs } from "./knobs.ts";

const DEFAULTS: Knobs = {
  run: 0,
  pages_to_scan: 100,
  sleep_millisecs: 20,
  merge_across_nodes: 1,
  max_page_sharing: 256,
  use_zero_pages: 0,
  smart_scan: 1,
  advisor_mode: "none",
  advisor_max_cpu: 70,
  advisor_target_scan_time: 200,
  advisor_min_pages_to_scan: 500,
  advisor_max_pages_to_scan: 30_000,
};

function code(wanted: Knobs, current = DEFAULTS, pagesShared = 0): string {
  try {
    planKnobs(current, wanted, pagesShared);
    return "accepted";
  } catch (error) {
    if (!(error instanceof KsmError) || /\n|^$/u.test(error.message) || /\n|^$/u.test(error.hint)) throw error;
    return error.code;
  }
}

describe("knobs are validated before anything is written", () => {
  it.each([
    ["a value below the kernel's least", { max_page_sharing: 1 }, "out-of-range"],
    ["a fraction", { pages_to_scan: 1.5 }, "out-of-range"],
    ["a value that the kernel takes and that means nothing", { advisor_max_cpu: 400 }, "out-of-range"],
    ["an un-merge of the whole host in disguise", { run: 2 }, "out-of-range"],
    ["pages_to_scan while the advisor sets it", { advisor_mode: "scan-time", pages_to_scan: 5 }, "conflict"],
    ["advisor bounds the wrong way round", { advisor_min_pages_to_scan: 40_000 }, "conflict"],
  ] as const)("refuses %s", (_, wanted, expected) => {
    expect(code(wanted)).toBe(expected);
  });

  it("refuses a knob that this kernel lacks, and one that no kernel has", () => {
    const { smart_scan: _, ...older } = DEFAULTS;
    expect(code({ smart_scan: 0 }, older)).toBe("unsupported");
    expect(code(Object.fromEntries([["turbo", 1]]))).toBe("unsupported");
  });

  it("refuses what the kernel answers EBUSY to while pages are merged, and only then", () => {
    expect(code({ max_page_sharing: 512 }, DEFAULTS, 7)).toBe("busy");
    expect(code({ merge_across_nodes: 0 }, DEFAULTS, 7)).toBe("busy");
    expect(code({ max_page_sharing: 512 }, DEFAULTS, 0)).toBe("accepted");
    // Its present value is no change.
    expect(code({ max_page_sharing: 256 }, DEFAULTS, 7)).toBe("accepted");
  });
});

describe("knobs are written in an order that the kernel accepts", () => {
  const names = (wanted: Knobs, current = DEFAULTS): string[] => planKnobs(current, wanted, 0).map((step) => step.knob);

  it("starts scanning last", () => {
    expect(names({ run: 1, pages_to_scan: 1000, use_zero_pages: 1 }).at(-1)).toBe("run");
  });

  it("leaves the advisor before pages_to_scan and enters it after its bounds", () => {
    expect(names({ pages_to_scan: 1000, advisor_mode: "none" }, { ...DEFAULTS, advisor_mode: "scan-time" })).toEqual(["advisor_mode", "pages_to_scan"]);
    expect(names({ advisor_mode: "scan-time", advisor_max_pages_to_scan: 9000 })).toEqual(["advisor_max_pages_to_scan", "advisor_mode"]);
  });

  it("leaves alone what has its value already", () => {
    expect(names(DEFAULTS)).toEqual([]);
  });
});
