import { UnifyError } from "./unify-error.ts";
import type { UnifyOptions } from "./unify-options.ts";

/** Options with every default filled in. */
export interface Settings {
  readonly minSize: number;
  readonly ignoreMtime: boolean;
  readonly stateDir: string;
  readonly threads: number | undefined;
}

/** vunify's own bound: below it a file costs more to handle than sharing it saves. */
const defaultMinSize = 16;
const defaultStateDir = "/var/lib/samepage";
const mostThreads = 64;

/**
 * Fills in defaults.
 * @throws UnifyError bad-option
 */
export function checkOptions(options: Pick<UnifyOptions, "minSize" | "ignoreMtime" | "stateDir" | "threads" | "bytesPerSecond" | "pressureLimit">): Settings {
  const { minSize = defaultMinSize, threads, bytesPerSecond, pressureLimit } = options;
  if (!Number.isSafeInteger(minSize) || minSize < 1) {
    throw new UnifyError("bad-option", "minSize", `is ${minSize}`, "Give a whole number of bytes from 1.");
  }
  if (threads !== undefined && !(Number.isInteger(threads) && threads >= 1 && threads <= mostThreads)) {
    throw new UnifyError("bad-option", "threads", `is ${threads}`, `Give a whole number from 1 to ${mostThreads}.`);
  }
  if (bytesPerSecond !== undefined && !(Number.isFinite(bytesPerSecond) && bytesPerSecond > 0)) {
    throw new UnifyError("bad-option", "bytesPerSecond", `is ${bytesPerSecond}`, "Give a positive number, or leave it out.");
  }
  if (pressureLimit !== undefined && !(Number.isFinite(pressureLimit) && pressureLimit >= 1 && pressureLimit <= 100)) {
    throw new UnifyError("bad-option", "pressureLimit", `is ${pressureLimit}`, "Give per cent from 1 to 100; 100 never rests.");
  }
  return { minSize, threads, ignoreMtime: options.ignoreMtime ?? false, stateDir: options.stateDir ?? defaultStateDir };
}
