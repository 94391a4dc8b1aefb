import { hostIndexOf } from "@samepage/fleet";
import type { Operation } from "../api/operation.ts";
import { rolloutOf } from "./command-courier.ts";
import type { RolloutStore } from "./rollout-store.ts";

/** The operation of a job, if it is of this kind and this host's own. */
export async function orderedOperation(rollouts: RolloutStore, host: string, job: string, kind: Operation["kind"]): Promise<Operation | undefined> {
  // Job ids of ours are shorter; a hostile one must not become a key.
  if (job.length > 100) return undefined;
  const id = rolloutOf(job);
  const [plan, record] = await Promise.all([rollouts.planOf(id), rollouts.recordOf(id)]);
  const index = plan === undefined ? undefined : hostIndexOf(plan, job);
  if (record?.operation.kind !== kind || index === undefined || plan?.hosts[index]?.name !== host) return undefined;
  return record.operation;
}
