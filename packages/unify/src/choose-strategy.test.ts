import { expect, test } from "vitest";
import { chooseStrategy, type StrategyQuestion } from "./choose-strategy.ts";
import { UnifyError } from "./unify-error.ts";

const question: StrategyQuestion = { strategy: "auto", guard: undefined, hasCowGuard: false, mountPoint: "/srv", type: "ext4", readOnly: false, states: ["running"], hasHost: false };

test.each<[string, Partial<StrategyQuestion>, string, string]>([
  ["a copy-on-write guard first", { hasCowGuard: true, type: "xfs" }, "hardlink", "cow"],
  ["no guard that cannot see the file system", { hasCowGuard: true, type: "tmpfs", states: ["stopped"] }, "hardlink", "immutable"],
  ["reflink where the file system has it", { type: "xfs" }, "reflink", "none"],
  ["immutable for stopped guests", { states: ["stopped", "stopped"] }, "hardlink", "immutable"],
  ["nothing while a guest may be running", { states: ["stopped", "unknown"] }, "nothing", "none"],
  ["what is asked for: links, guarded by the strongest there is", { strategy: "hardlink", type: "btrfs" }, "hardlink", "immutable"],
  ["what is asked for: a guard means links", { guard: "none", type: "xfs" }, "hardlink", "none"],
  ["the host's own files made immutable where that is asked for by name", { strategy: "hardlink", guard: "immutable", hasHost: true }, "hardlink", "immutable"],
  ["nothing for the host's own files by itself without a copy-on-write guard", { hasHost: true }, "nothing", "none"],
  ["what is asked for: reflink", { strategy: "reflink", type: "btrfs", hasCowGuard: true }, "reflink", "none"],
])("takes %s, and says why", (_, change, strategy, guard) => {
  const chosen = chooseStrategy({ ...question, ...change });
  expect([chosen.strategy, chosen.guard]).toEqual([strategy, guard]);
  expect(chosen.reason).toMatch(/^\S.{20,}$/u);
});

test.each<[string, Partial<StrategyQuestion>, string]>([
  ["a guard that is not running", { guard: "cow" }, "guard-not-available"],
  ["a guard that cannot see the file system", { guard: "cow", hasCowGuard: true, type: "tmpfs" }, "guard-not-available"],
  ["reflink on ext4", { strategy: "reflink" }, "strategy-not-available"],
  ["the host's own files made immutable by not having said so", { strategy: "hardlink", hasHost: true }, "guard-not-available"],
  ["a file system mounted read-only", { readOnly: true }, "read-only-file-system"],
])("refuses %s with a remedy", (_, change, code) => {
  const choose = () => chooseStrategy({ ...question, ...change });
  expect(choose).toThrow(UnifyError);
  expect(choose).toThrow(expect.objectContaining({ code, hint: expect.stringMatching(/\w+/u) }));
});
