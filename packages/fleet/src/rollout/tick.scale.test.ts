import { expect, it } from "vitest";
import { Fleet } from "../testing/fleet.ts";

it("ten thousand hosts cost a tick little more than they cost JSON", () => {
  const fleet = new Fleet(10_000, { policy: { concurrency: 500 } });
  fleet.tick();
  for (let i = 0; i < 200; i++) fleet.report({ outcome: "succeeded" });
  const median = (run: () => unknown) => {
    const times = Array.from({ length: 21 }, () => {
      const started = performance.now();
      run();
      return performance.now() - started;
    });
    return times.toSorted((a, b) => a - b)[10] ?? 0;
  };
  const tick = median(() => fleet.report({ outcome: "succeeded" }));
  const json = median(() => JSON.parse(JSON.stringify(fleet.state)) as unknown);
  console.log(`10,000 hosts: tick ${tick.toFixed(2)} ms, state through JSON ${json.toFixed(2)} ms, ${JSON.stringify(fleet.state).length} bytes`);
  // Ratios hold on a loaded machine where times do not: a tick that looked at each host twice over again would not pass.
  expect(tick).toBeLessThan(json * 20);
});
