import { expect, test } from "vitest";
import { formatAge, formatBytes } from "./format.ts";
import { parseRoute, routeTo } from "./route.ts";

test.each([
  [0, "0 B"],
  [999, "999 B"],
  [1000, "1.00 kB"],
  [999_499, "999 kB"],
  [999_500, "1.00 MB"],
  [12_345_678, "12.3 MB"],
  [-5_000_000_000, "-5.00 GB"],
])("%d bytes read as %s", (bytes, text) => {
  expect(formatBytes(bytes)).toBe(text);
});

test("an age is coarse and never negative, whatever the clocks say", () => {
  const now = Date.parse("2026-01-02T00:00:00Z");
  expect([null, "2026-01-02T00:00:09Z", "2026-01-01T23:56:00Z", "2026-01-01T20:00:00Z", "2025-12-01T00:00:00Z"].map((iso) => formatAge(iso, now))).toEqual(["never", "just now", "4 min ago", "4 h ago", "32 d ago"]);
});

test("a route carries any name there and back", () => {
  for (const name of ["web/1", "a b", "100%", "ümlaut#?"]) expect(parseRoute(routeTo("hosts", name))).toEqual(["hosts", name]);
  expect(parseRoute("#/hosts/%zz")).toEqual(["hosts", "%zz"]);
});
