import { type Command, Outcome, type Report } from "@samepage/proto";
import type { UpgradeOutcome } from "./upgrades.ts";

/** What the controller is told of an upgrade. @param now epoch milliseconds */
export function upgradeReport({ jobId, fence, planHash }: Command, { wanted, previous, returned }: UpgradeOutcome, now: number): Report {
  const at = BigInt(now) * 1_000_000n;
  const report: Report = { jobId, fence, planHash, startedAtNs: at, finishedAtNs: at, outcome: Outcome.SUCCEEDED, error: undefined, result: undefined };
  if (returned === undefined) return { ...report, result: { $case: "upgrade", value: { from: previous, to: wanted } } };
  const error = { code: "upgrade-returned", message: `${wanted} did not come back healthy (${returned}); ${previous} runs again`, hint: "journalctl --unit samepage-agent on the host says why" };
  return { ...report, outcome: Outcome.FAILED, error };
}
