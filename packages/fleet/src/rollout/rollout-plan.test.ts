import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FleetError } from "../fleet-error.ts";
import type { HostFacts } from "../host-facts.ts";
import type { Share } from "../share.ts";
import { createPlan, type RolloutRequest } from "./rollout-plan.ts";
import { sizeWaves } from "./size-waves.ts";

const HOSTS: HostFacts[] = Array.from({ length: 10 }, (_, i) => ({ name: `h${i}`, labels: { odd: String(i % 2) }, kernel: "6.1.0", arch: "x86_64", os: "debian 12", zone: "UTC" }));

function plan(change: Partial<RolloutRequest> = {}) {
  return createPlan({ id: "r1", createdAt: 0, operation: { kind: "unify" }, selector: "all", hosts: HOSTS, ...change });
}

function codeOf(run: () => unknown): string {
  try {
    run();
    return "nothing thrown";
  } catch (error) {
    return error instanceof FleetError ? error.code : "something else thrown";
  }
}

describe("a plan", () => {
  it("has the same order however the hosts come, and another one for another rollout", () => {
    const names = (of: ReturnType<typeof plan>) => of.hosts.map(({ name }) => name);
    expect(names(plan({ hosts: HOSTS.toReversed() }))).toEqual(names(plan()));
    expect(names(plan({ id: "r2" }))).not.toEqual(names(plan()));
    expect(names(plan()).toSorted()).toEqual(HOSTS.map(({ name }) => name));
  });

  it("holds only the selected hosts and sums their predictions per wave", () => {
    const mega = { diskBytes: 1e6, cacheBytes: 10, memoryBytes: 1 };
    const made = plan({ selector: "odd=1", canary: 1, predictions: new Map([["h1", mega], ["h3", mega], ["h0", mega]]) });
    expect(made.hosts).toHaveLength(5);
    expect(made.predicted.diskBytes).toBe(2e6);
    expect(made.waves.map(({ unpredicted }) => unpredicted).reduce((a, b) => a + b)).toBe(3);
    expect(made.waves.map(({ predicted }) => predicted.diskBytes).reduce((a, b) => a + b)).toBe(2e6);
  });

  it("has a hash that follows every part of it", () => {
    const hashes = [plan(), plan({ createdAt: 1 }), plan({ canary: 1 }), plan({ policy: { soakMs: 1 } }), plan({ operation: { kind: "deunify" } })].map(({ hash }) => hash);
    expect(new Set(hashes).size).toBe(hashes.length);
    expect(hashes[0]).toMatch(/^[0-9a-f]{64}$/u);
    expect(plan().hash).toBe(hashes[0]);
  });

  const refused: [Partial<RolloutRequest>, string][] = [
    [{ selector: "env=prod" }, "no-hosts"],
    [{ selector: "=" }, "bad-selector"],
    [{ id: "a:b" }, "bad-policy"],
    [{ policy: { concurrency: 0 } }, "bad-policy"],
    [{ policy: { soakMs: -1 } }, "bad-policy"],
    [{ canary: 1.5 }, "bad-share"],
    [{ waves: ["110%"] }, "bad-share"],
    [{ policy: { failureBudget: { limit: "101%", minimumSample: 1 } } }, "bad-share"],
  ];

  it.each(refused)("is refused for %o", (change, code) => {
    expect(codeOf(() => plan(change))).toBe(code);
  });
});

describe("waves", () => {
  const counts = (total: number, canary: Share, sizes: readonly Share[]) => sizeWaves(total, canary, sizes).waves.map(({ count }) => count);

  it("round percentages up, so that no wave of a small fleet is empty", () => {
    expect(counts(3, "10%", ["10%"])).toEqual([1, 1, 1]);
    expect(counts(10_000, "0.07%", [])).toEqual([7, 9993]);
  });

  it("are clamped with a notice where they ask for more hosts than there are", () => {
    const { waves, notices } = sizeWaves(3, 5, ["50%"]);
    expect(waves).toEqual([{ name: "canary", canary: true, first: 0, count: 3 }]);
    expect(notices).toEqual([
      "canary asks for 5 hosts, 3 are left: it has 3",
      "wave 1 asks for 2 hosts, 0 are left: it has none and is left out",
      "the canary is all 3 hosts: nothing is tried on fewer first",
    ]);
  });

  it("hold every host exactly once", () => {
    const share = fc.oneof(fc.nat(50), fc.nat(100).map((percent): Share => `${percent}%`));
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 200 }), share, fc.array(share, { maxLength: 6 }), (total, canary, sizes) => {
        let next = 0;
        for (const { first, count } of sizeWaves(total, canary, sizes).waves) {
          expect(first).toBe(next);
          expect(count).toBeGreaterThan(0);
          next += count;
        }
        expect(next).toBe(total);
      }),
    );
  });
});
