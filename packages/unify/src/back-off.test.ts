import { expect, test } from "vitest";
import { atWork, nextBackOff } from "./back-off.ts";

function after(stalls: readonly number[], limit = 0.25): boolean[] {
  let state = atWork;
  return stalls.map((stalled) => (state = nextBackOff(state, stalled, limit)).resting);
}

test("a run rests while others wait, and goes on once they hardly do", () => {
  expect(after([0.2, 0.25, 0.26, 0.2, 0.13, 0.12, 0.2])).toEqual([false, false, true, true, true, false, false]);
});

test("under pressure that never ends a run works one look in seventeen", () => {
  const resting = after(Array.from({ length: 17 * 10 }, () => 1));
  expect(resting.filter((is) => !is)).toHaveLength(10);
  expect(resting.slice(0, 17)).toEqual([...Array.from({ length: 16 }, () => true), false]);
});
