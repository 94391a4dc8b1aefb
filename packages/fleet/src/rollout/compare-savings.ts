import { addSavings, NO_SAVING, type Saving } from "../saving.ts";
import type { RolloutPlan } from "./rollout-plan.ts";
import type { RolloutState } from "./rollout-state.ts";
import { viewHosts } from "./view-hosts.ts";

/** What a wave, or a whole rollout, was predicted to save and what it saved. */
export interface SavingComparison {
  readonly name: string;
  /** Prediction for all of its hosts that have one. */
  readonly predicted: Saving;
  /** Prediction for those of them that have succeeded: what `real` is to be compared with. */
  readonly predictedForDone: Saving;
  /** Hosts that succeeded without a prediction: their part of `real` has nothing to be compared with. */
  readonly unpredicted: number;
  readonly real: Saving;
}

/** Predicted against real, for the whole rollout first and then wave by wave. */
export function compareSavings(plan: RolloutPlan, state: RolloutState): SavingComparison[] {
  const waves = plan.waves.map((wave, index): SavingComparison => {
    let predictedForDone = NO_SAVING;
    let unpredicted = 0;
    for (const { phase, predicted } of viewHosts(plan, state, index)) {
      if (phase !== "succeeded") continue;
      if (predicted === null) unpredicted++;
      else predictedForDone = addSavings(predictedForDone, predicted);
    }
    return { name: wave.name, predicted: wave.predicted, predictedForDone, unpredicted, real: state.saved[index] ?? NO_SAVING };
  });
  const sum = (pick: (wave: SavingComparison) => Saving) => waves.map((wave) => pick(wave)).reduce((a, b) => addSavings(a, b), NO_SAVING);
  return [
    {
      name: "all",
      predicted: plan.predicted,
      predictedForDone: sum((wave) => wave.predictedForDone),
      unpredicted: waves.reduce((total, wave) => total + wave.unpredicted, 0),
      real: sum((wave) => wave.real),
    },
    ...waves,
  ];
}
