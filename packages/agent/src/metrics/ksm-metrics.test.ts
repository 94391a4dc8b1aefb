import * as fc from "fast-check";
import { expect, test } from "vitest";
import { byGuest } from "./ksm-metrics.ts";

const row = fc.record({
  name: fc.constantFrom("web", "db", "host", "other"),
  processes: fc.nat(9),
  merged: fc.nat(1_000_000),
  zero: fc.nat(1_000_000),
  overhead: fc.nat(1_000_000),
  saving: fc.integer({ min: -1_000_000, max: 1_000_000 }),
  costRatio: fc.constant(1),
  sharedNow: fc.nat(1_000_000),
});

test("guests' figures add up to the whole account, however many guests there are", () => {
  fc.assert(
    fc.property(fc.array(row, { maxLength: 300 }), fc.boolean(), (rows, areNamedApart) => {
      const guests = rows.map((one, at) => (areNamedApart ? { ...one, name: `${one.name}-${at}` } : one));
      const sums = byGuest(guests, ({ saving }) => saving);
      expect([...sums.values()].reduce((total, bytes) => total + bytes, 0)).toBe(guests.reduce((total, { saving }) => total + saving, 0));
      // Few labels: a host of a thousand guests must not fill Prometheus.
      expect(sums.size).toBeLessThanOrEqual(201);
    }),
  );
});
