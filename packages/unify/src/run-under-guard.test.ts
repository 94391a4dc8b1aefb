import { expect, test } from "vitest";
import { runsWithout } from "./run-under-guard.ts";

test("groups that cannot be guarded now are left out, the others run in as few steps as there are gaps", () => {
  expect(runsWithout(new Set(), 0, 4096)).toStrictEqual([[0, 4096]]);
  expect(runsWithout(new Set([0, 3, 4, 9]), 0, 10)).toStrictEqual([[1, 3], [5, 9]]);
  expect(runsWithout(new Set([5]), 5, 6)).toStrictEqual([]);
});
