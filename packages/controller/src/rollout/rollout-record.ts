import type { RolloutPlan, RolloutState } from "@samepage/fleet";
import type { Operation } from "../api/operation.ts";

/** What is frozen when a rollout is created. */
export interface RolloutRecord {
  readonly name: string;
  readonly createdBy: string;
  /** As the operator wrote it. */
  readonly operation: Operation;
  readonly plan: RolloutPlan;
}

export interface StoredRollout {
  readonly record: RolloutRecord;
  readonly state: RolloutState;
}
