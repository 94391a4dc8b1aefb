import { describe, expect, it } from "vitest";
import { planUnmerge } from "./unmerge-plan.ts";
import type { UnmergeCandidate } from "./unmerge-plan.ts";

const MIB = 1024 * 1024;
const room = { memAvailable: 1000 * MIB, memTotal: 4096 * MIB, copies: 400 * MIB };

function candidate(guest: string, merged: number, headroom = Infinity, pid = 10): UnmergeCandidate {
  return { pid, started: 1, merged: merged * MIB, headroom: headroom * MIB, guest };
}

describe("the un-merge safety calculation", () => {
  it("goes guest by guest, the smallest first", () => {
    const stages = planUnmerge(room, [candidate("big", 300), candidate("small", 10), candidate("small", 20), candidate("middle", 90)]);
    expect(stages.map((stage) => stage.map(({ guest }) => guest))).toEqual([["small", "small"], ["middle"], ["big"]]);
  });

  it("refuses when the copies and a margin do not fit in available memory", () => {
    // The margin is 2 % of memory: 82 MiB.
    expect(() => planUnmerge({ ...room, memAvailable: 481 * MIB }, [])).toThrow(/need 482 MiB, 481 MiB are available/u);
    expect(planUnmerge({ ...room, memAvailable: 482 * MIB }, [])).toEqual([]);
    expect(() => planUnmerge({ ...room, copies: 1000 * MIB }, [])).toThrow(expect.objectContaining({ code: "no-room" }));
  });

  it("refuses when one guest's limit lacks room for the copies of all its processes together", () => {
    expect(() => planUnmerge(room, [candidate("tight", 60, 100), candidate("tight", 60, 100)])).toThrow(/^tight: .*120 MiB.*100 MiB/u);
    expect(planUnmerge(room, [candidate("tight", 40, 100), candidate("tight", 60, 100)])).toHaveLength(1);
  });
});
