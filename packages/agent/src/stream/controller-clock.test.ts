import { expect, test } from "vitest";
import { createControllerClock } from "./controller-clock.ts";

test("a permission ends by the controller's clock, however wrong this host's is", () => {
  let now = 5;
  const clock = createControllerClock(() => now);
  clock.heard(1_000_000_000_000n);
  expect(clock.until(1_000_010_000_000n)).toBe(10);
  now += 4;
  expect(clock.until(1_000_010_000_000n)).toBe(6);
});

test("a message that was stuck on the way prolongs nothing", () => {
  let now = 0;
  const clock = createControllerClock(() => now);
  clock.heard(1_000_000_000_000n);
  now = 60_000;
  // Sent when the first one was, heard a minute later.
  clock.heard(1_000_000_000_000n);
  expect(clock.until(1_000_000_000_000n)).toBe(-60_000);
});
