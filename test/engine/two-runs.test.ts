import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { loopFsSkipReason, withLoopFs } from "@samepage/test-support";
import { applyPlan, planUnify, unify } from "@samepage/unify";
import { expect, test } from "vitest";
import { differences, guestsAt, manifests } from "./scene.ts";
import { plantSmallTree } from "./small-tree.ts";

test("two runs planned the same on one file system: the second waits, plans again, and finds the first one's work done", async ({ skip }) => {
  const reason = loopFsSkipReason("ext4");
  skip(reason !== undefined, reason);
  await withLoopFs("ext4", 100, async ({ mount }) => {
    const guests = guestsAt([1, 2, 3].map((number) => join(mount, `guest-${number}`)));
    for (const [index, { path }] of guests.entries()) await plantSmallTree(path, index, 150);
    const before = await manifests(guests);
    // Two agents, each with a state of its own.
    const both = await Promise.all(
      ["one", "other"].map(async (name) => {
        const stateDir = join(mount, name);
        await mkdir(stateDir);
        // With a guard displaced files wait a second, so that the two meet.
        const options = { guests, stateDir, strategy: "hardlink", guard: "immutable" } as const;
        return { options, plan: await planUnify(options) };
      }),
    );
    const planned = both[0]?.plan.report.files.unified ?? 0;
    expect(planned).toBeGreaterThan(200);
    const reports = await Promise.all(both.map(({ plan, options }) => applyPlan(plan, options)));
    for (const { plan } of both) plan[Symbol.dispose]();
    expect(reports.map(({ failures }) => failures)).toEqual([[], []]);
    expect(reports.map(({ files }) => files.unified).sort((a, b) => a - b)).toEqual([0, planned]);
    // All is shared, and nothing is said to have changed or been busy.
    const late = reports.find(({ files }) => files.unified === 0);
    expect(late?.files.skipped["already-unified"]).toBeGreaterThan(planned);
    expect([late?.files.skipped.changed, late?.files.skipped.busy]).toEqual([undefined, undefined]);
    expect(await differences(guests, before)).toEqual([]);
    expect((await unify({ guests, stateDir: join(mount, "one"), strategy: "hardlink", guard: "immutable" })).files.unified).toBe(0);
  });
});
