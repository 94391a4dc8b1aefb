import { FleetError } from "../fleet-error.ts";
import { inverseOf } from "../operation.ts";
import { isOver, type RolloutState } from "./rollout-state.ts";
import { planFor, type RolloutPlan } from "./rollout-plan.ts";
import { viewHosts } from "./view-hosts.ts";

/**
 * The rollout that takes another one back: the inverse operation on every host that was given a command, in one wave, each host's
 * success counting only with its proof. It is a rollout like any other: it keeps to the windows and can be watched, paused and retried.
 * It does not stop at failures, as every host brought back is one host less to worry about.
 * @throws FleetError `wrong-state` while the rollout is under way, `no-inverse`, `no-hosts` where no host was touched.
 */
export function createRollbackPlan(plan: RolloutPlan, state: RolloutState, id: string, createdAt: number): RolloutPlan {
  if (!isOver(state.status)) {
    throw new FleetError("wrong-state", plan.id, `cannot roll back rollout ${plan.id}: it is ${state.status}`, "abort it first, so that nothing does and undoes at once");
  }
  const operation = inverseOf(plan.operation);
  const touched = [...viewHosts(plan, state)].filter(({ fence }) => fence > 0);
  if (touched.length === 0) throw new FleetError("no-hosts", plan.id, `rollout ${plan.id} touched no host`, "there is nothing to take back");
  return planFor({
    id,
    createdAt,
    operation,
    selector: plan.selector,
    hosts: touched.map(({ name, kernel }) => ({ name, kernel, predicted: null })),
    canary: 0,
    waves: [],
    policy: { ...plan.policy, failureBudget: { limit: "100%", minimumSample: 1 }, soakMs: 0, gates: [], requireProof: true },
    rollbackOf: plan.id,
  });
}
