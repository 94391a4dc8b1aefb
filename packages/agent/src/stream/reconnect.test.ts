import { expect, test } from "vitest";
import { createControllerClock } from "./controller-clock.ts";
import { reconnectDelay } from "./reconnect-delay.ts";

test("reconnects spread over the whole time that the controller asked for, from nothing on", () => {
  expect(reconnectDelay(0, 60_000, 0)).toBe(0);
  expect(reconnectDelay(0, 60_000, 0.999)).toBeGreaterThan(59_000);
  expect(reconnectDelay(0, 0, 0.999)).toBeLessThan(500);
});

test("each failure doubles the spread, up to two minutes", () => {
  expect(reconnectDelay(3, 1000, 0.5)).toBe(4000);
  expect(reconnectDelay(1000, 1000, 1)).toBe(120_000);
});

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
