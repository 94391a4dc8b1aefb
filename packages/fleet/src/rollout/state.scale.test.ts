import { expect, it } from "vitest";
import { Fleet } from "../testing/fleet.ts";

/** Every step writes the state to Redis: at 10,000 hosts this keeps it near 100 kB. */
const bytesPerHost = 12;

it("the state of ten thousand hosts stays small enough to be written at every step", () => {
  const fleet = new Fleet(10_000, { policy: { concurrency: 500 } });
  fleet.tick();
  for (let reports = 0; reports < 200; reports++) fleet.report({ outcome: "succeeded" });
  expect(JSON.stringify(fleet.state).length).toBeLessThan(10_000 * bytesPerHost);
});
