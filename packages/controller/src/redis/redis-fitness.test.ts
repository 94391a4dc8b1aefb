import { expect, test } from "vitest";
import { redisProblems } from "./redis-fitness.ts";

const fit = { version: "6.2.0", evictionPolicy: "noeviction", appendOnly: true, snapshots: "" };

test("the oldest Redis with persistence and without eviction is fit", () => {
  expect(redisProblems(fit)).toEqual([]);
  expect(redisProblems({ ...fit, version: "7.0.15", appendOnly: false, snapshots: "3600 1" })).toEqual([]);
});

test.each([
  [{ version: "6.0.16" }, /6\.2 or newer/u],
  [{ evictionPolicy: "allkeys-lru" }, /throw the fleet's state away.*allkeys-lru/u],
  [{ appendOnly: false }, /keeps nothing on disk/u],
])("a Redis with %o is refused, with what to do", (change, message) => {
  const [problem, ...others] = redisProblems({ ...fit, ...change });
  expect(others).toEqual([]);
  expect(problem?.message).toMatch(message);
  expect(problem?.hint).not.toBe("");
});
