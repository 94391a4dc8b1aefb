import type { UnifyReport } from "@samepage/unify";
import { expect, test } from "vitest";
import { requireUnified } from "./require-unified.ts";

const report = (unified: number, error: number): UnifyReport => ({
  strategy: "hardlink",
  guard: "immutable",
  fileSystems: [],
  bytes: { read: 0, hashed: 0, compared: 0, logical: 0, reclaimed: 0 },
  pageCache: { shared: 0, saved: 0 },
  stillMapping: [],
  files: { scanned: 10, eligible: 10, unified, skipped: error === 0 ? {} : { error }, visited: 10 },
  guests: [],
  failures: error === 0 ? [] : [{ guest: "/srv/a", path: "/etc/x", code: "EPERM", message: "operation not permitted" }],
  dryRun: false,
  elapsedMs: 1,
});

test("a host on which every planned file fails has failed, and says at what", () => {
  expect(() => requireUnified(report(6, 0), report(0, 6))).toThrow("none of the 6 files planned could be unified; the first, /etc/x of /srv/a: operation not permitted");
});

test("single files that fail, and a host with nothing to do, are no failure of the job", () => {
  for (const [planned, done] of [[report(6, 0), report(5, 1)], [report(0, 1), report(0, 1)], [report(6, 0), report(0, 1)], [report(0, 0), report(0, 0)]] as const) expect(requireUnified(planned, done)).toBe(done);
});
