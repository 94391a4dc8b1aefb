import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { readCounters } from "./counters.ts";
import { HOST_PATHS } from "./ksm-paths.ts";
import type { KsmPaths } from "./ksm-paths.ts";
import { readKnobs } from "./knob-files.ts";
import type { Knobs } from "./knobs.ts";
import { ksmOff } from "./off.ts";

/** Why the tests that switch this machine's KSM cannot run here; empty: they can. */
export const whyNot = ((): string => {
  if (process.getuid?.() !== 0) return "needs root";
  if (!existsSync(join(HOST_PATHS.sysfs, "run"))) return "this kernel has no KSM";
  if (readCounters(HOST_PATHS.sysfs).pagesShared > 0) return "something else is merged on this machine already";
  return "";
})();

/** The machine's KSM for one test: its own record, and everything as before at the end. */
export class Machine implements AsyncDisposable {
  readonly paths: KsmPaths;
  readonly before: Knobs;
  readonly #directory: string;

  constructor() {
    this.#directory = mkdtempSync(join(tmpdir(), "samepage-machine-"));
    this.paths = { ...HOST_PATHS, state: join(this.#directory, "ksm.json") };
    this.before = readKnobs(this.paths.sysfs);
  }

  /** Waits until the host's counters satisfy the condition. */
  async until(what: string, condition: (counters: ReturnType<typeof readCounters>) => boolean, seconds = 60): Promise<void> {
    const end = performance.now() + seconds * 1000;
    while (!condition(readCounters(this.paths.sysfs))) {
      if (performance.now() > end) throw new Error(`not ${what} within ${seconds} s: ${JSON.stringify(readCounters(this.paths.sysfs))}`);
      await setTimeout(50);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await ksmOff(this.paths);
    rmSync(this.#directory, { recursive: true, force: true });
  }
}
