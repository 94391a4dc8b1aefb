import { expect, test } from "vitest";
import type { HostFacts } from "../host-facts.ts";
import { fleetOpenings } from "./fleet-openings.ts";
import { createCalendar } from "./host-calendar.ts";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

function host(name: string, env: string, zone: string): HostFacts {
  return { name, labels: { env }, kernel: "6.1.0", arch: "x86_64", os: "debian 12", zone };
}

const fleet = createCalendar(
  [
    { name: "nightly", selector: "env=prod", schedule: "Mon..Fri 02:00", zone: "Europe/Berlin", durationMs: 2 * HOUR },
    { name: "local", selector: "env=edge", schedule: "Sun 03:00", zone: "host", durationMs: HOUR },
  ],
  [{ name: "freeze", selector: "env=prod", zone: "UTC", from: "2026-11-25", to: "2026-11-25" }],
);

/** A Monday. */
const from = Date.parse("2026-11-23T00:00Z");

test("hosts that share a window are counted in one opening, each zone of a host-local window has its own", () => {
  const hosts = [host("p1", "prod", "UTC"), host("p2", "prod", "Asia/Tokyo"), host("e1", "edge", "Asia/Tokyo"), host("e2", "edge", "UTC"), host("x", "lab", "UTC")];
  const { openings, unrestrictedHosts } = fleetOpenings(fleet, hosts, from, from + 7 * DAY);
  expect(unrestrictedHosts).toBe(1);
  expect(openings.map(({ name, opensAt, hosts: count }) => `${name} ${new Date(opensAt).toISOString()} ${count}`)).toEqual([
    "nightly 2026-11-23T01:00:00.000Z 2",
    "nightly 2026-11-24T01:00:00.000Z 2",
    // The 25th is frozen in UTC.
    "nightly 2026-11-26T01:00:00.000Z 2",
    "nightly 2026-11-27T01:00:00.000Z 2",
    "local 2026-11-28T18:00:00.000Z 1",
    "local 2026-11-29T03:00:00.000Z 1",
  ]);
  expect(openings[4]?.inWindowZone).toEqual({ opens: "Sun 2026-11-29 03:00 GMT+9", closes: "Sun 2026-11-29 04:00 GMT+9" });
});

test("an opening that has begun before is told while it lasts", () => {
  const during = Date.parse("2026-11-23T02:30Z");
  expect(fleetOpenings(fleet, [host("p1", "prod", "UTC")], during, during + DAY).openings.map(({ opensAt }) => new Date(opensAt).toISOString())).toEqual(["2026-11-23T01:00:00.000Z", "2026-11-24T01:00:00.000Z"]);
});
