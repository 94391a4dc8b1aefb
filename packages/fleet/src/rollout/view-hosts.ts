import { jobIdOf } from "./job-id.ts";
import type { PlannedHost, RolloutPlan } from "./rollout-plan.ts";
import type { Cause, HostPhase, RolloutState } from "./rollout-state.ts";
import { PHASE_OF_LETTER } from "./rollout-state.ts";

/** One host of a rollout, unpacked from plan and state. */
export interface RolloutHost extends PlannedHost {
  readonly index: number;
  /** Index of its wave. */
  readonly wave: number;
  readonly jobId: string;
  readonly phase: HostPhase;
  /** The last fence given; 0: none, the host was never touched. */
  readonly fence: number;
  readonly cause: Cause | null;
  /** Clean stops so far; the host goes on from its checkpoint. */
  readonly stops: number;
  /** It was not there at its turn and is taken when it turns up. */
  readonly late: boolean;
}

/** Every host of a rollout, or of one of its waves, in order. */
export function* viewHosts(plan: RolloutPlan, state: RolloutState, onlyWave?: number): Generator<RolloutHost> {
  for (const [wave, { first, count }] of plan.waves.entries()) {
    if (onlyWave !== undefined && wave !== onlyWave) continue;
    for (const [offset, host] of plan.hosts.slice(first, first + count).entries()) {
      const index = first + offset;
      const note = state.notes[index];
      yield {
        name: host.name,
        kernel: host.kernel,
        predicted: host.predicted,
        index,
        wave,
        jobId: jobIdOf(plan, index),
        phase: PHASE_OF_LETTER.get(state.phases[index] ?? "") ?? "pending",
        fence: state.fences[index] ?? 0,
        cause: note?.cause ?? null,
        stops: note?.stops ?? 0,
        late: note?.late ?? false,
      };
    }
  }
}
