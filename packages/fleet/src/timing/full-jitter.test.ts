import * as fc from "fast-check";
import { expect, it } from "vitest";
import { fullJitter } from "./full-jitter.ts";

it("stays below the cap and below the doubled base, however many tries", () => {
  fc.assert(
    fc.property(fc.nat(2000), fc.integer({ min: 1, max: 60_000 }), fc.integer({ min: 1, max: 600_000 }), fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), (attempt, baseMs, capMs, x) => {
      const wait = fullJitter(attempt, { baseMs, capMs }, () => x);
      expect(wait).toBeGreaterThanOrEqual(0);
      expect(wait).toBeLessThanOrEqual(Math.min(capMs, baseMs * 2 ** attempt));
    }),
  );
});

it("spreads waiters over the whole time even when all have reached the cap", () => {
  const waits = Array.from({ length: 100 }, (_, i) => fullJitter(50, { baseMs: 1000, capMs: 60_000 }, () => i / 100));
  expect(new Set(waits).size).toBe(100);
  expect(Math.min(...waits)).toBeLessThan(1000);
  expect(Math.max(...waits)).toBeGreaterThan(59_000);
});
