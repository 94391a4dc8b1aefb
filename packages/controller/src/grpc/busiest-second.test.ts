import { expect, test } from "vitest";
import { createBusiestSecond } from "./busiest-second.ts";

test("the most events of any second are kept, wherever that second begins", () => {
  let now = 0;
  const busiest = createBusiestSecond(() => now);
  for (now of [0, 900, 1100, 1200, 1300, 1901, 5000, 5999, 6000]) busiest.count();
  expect(busiest.most).toBe(4);
});
