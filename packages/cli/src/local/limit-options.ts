import { setPriority } from "node:os";
import { backgroundLimits, type UnifyOptions } from "@samepage/unify";
import { onlyGiven } from "../only-given.ts";
import { bytes, choice, integer } from "../option.ts";

/** What the verbs take that read files: how much of the host they may have. */
export const limitOptions = {
  priority: choice("priority", ["background", "idle", "normal"], "background: as an agent works, on a quarter of the processors, a third of the time, and giving way to every other process; idle: on all of them, giving way; normal competes", "idle"),
  pressure: integer("percent", 1, 100, "rest while others wait for a disk, or anybody for memory, for more than this share of the time; 100 never rests", `${backgroundLimits.pressureLimit}`),
  rate: bytes("read no more than this a second, over all threads", "none"),
  threads: integer("n", 1, 64, "threads at most", "one a processor, more while a disk is waited for; in the background one for each four"),
} as const;

export interface LimitInput {
  readonly priority: "background" | "idle" | "normal" | undefined;
  readonly pressure: number | undefined;
  readonly rate: number | undefined;
  readonly threads: number | undefined;
}

/** The engine's limits. Where it gives way this thread, which plans and counts, does so too. */
export function limitsOf({ priority = "idle", pressure, rate, threads }: LimitInput): Pick<UnifyOptions, "background" | "paced" | "pressureLimit" | "bytesPerSecond" | "threads"> {
  const background = priority !== "normal";
  if (background) setPriority(19);
  const { threads: few, ...limits } = backgroundLimits;
  return { ...limits, background, paced: priority === "background", ...(priority === "background" ? { threads: few } : {}), ...onlyGiven({ pressureLimit: pressure, bytesPerSecond: rate, threads }) };
}
