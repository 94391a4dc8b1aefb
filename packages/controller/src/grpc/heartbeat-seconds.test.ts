import { expect, test } from "vitest";
import { heartbeatSeconds } from "./heartbeat-seconds.ts";

test("a fleet's heartbeats stay below 100 a second; a host is heard of every five minutes at the latest", () => {
  expect([1, 3000, 3001, 10_000, 1_000_000].map((hosts) => heartbeatSeconds(30, hosts))).toEqual([30, 30, 31, 100, 300]);
  expect(heartbeatSeconds(300, 10)).toBe(300);
});
