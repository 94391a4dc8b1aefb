import { setTimeout as sleep } from "node:timers/promises";
import { JobControl } from "@samepage/linux";
import { atWork, type BackOff, nextBackOff } from "./back-off.ts";
import { Pressure } from "./pressure.ts";
import type { UnifyProgress } from "./unify-options.ts";

/** Often enough for a live view, too seldom to cost anything. */
const progressEveryMs = 200;
/** setTimeout's own bound; a later deadline is as good as none for one run. */
const longestTimerMs = 2 ** 31 - 1;
/** The kernel sums pressure up every two seconds. */
const lookEveryMs = 2100;
/** How often somebody who waits for the end of a rest asks. */
const restingMs = 50;

interface RunLimits {
  readonly deadline?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: UnifyProgress) => void) | undefined;
  readonly bytesPerSecond?: number | undefined;
  readonly background?: boolean | undefined;
  readonly paced?: boolean | undefined;
  readonly pressureLimit?: number | undefined;
}

/** Ties a run to its caller's signal, deadline and progress view. */
export class RunControl implements Disposable {
  readonly job: JobControl;
  readonly signal: AbortSignal;
  #stopped: "deadline" | "cancelled" | undefined;
  readonly #abort = new AbortController();
  readonly #timers: NodeJS.Timeout[] = [];
  readonly #outer: AbortSignal | undefined;
  readonly #cancel = () => this.#stop("cancelled");
  #phase: UnifyProgress["phase"] = "scan";
  #filesTotal = 0;
  #bytesTotal = 0;
  #bytesBefore = 0;
  #backOff: BackOff = atWork;
  readonly #report: (() => void) | undefined;

  constructor(options: RunLimits) {
    this.job = new JobControl({ bytesPerSecond: options.bytesPerSecond, background: options.background, paced: options.paced });
    this.signal = this.#abort.signal;
    this.#outer = options.signal;
    if (options.signal?.aborted === true) this.#stop("cancelled");
    else options.signal?.addEventListener("abort", this.#cancel);
    if (options.deadline !== undefined) {
      const left = options.deadline - Date.now();
      if (left <= 0) this.#stop("deadline");
      else if (left < longestTimerMs) this.#timers.push(setTimeout(() => this.#stop("deadline"), left));
    }
    if (options.pressureLimit !== undefined && options.pressureLimit < 100) this.#timers.push(this.#watchPressure(options.pressureLimit / 100));
    const { onProgress } = options;
    if (onProgress !== undefined) {
      this.#report = () =>
        onProgress({
          phase: this.#phase,
          files: this.job.files,
          filesTotal: this.#filesTotal,
          bytes: this.job.bytesRead - this.#bytesBefore,
          bytesTotal: this.#bytesTotal,
        });
      this.#timers.push(setInterval(this.#report, progressEveryMs));
    }
  }

  /** Why the run ends early, if it does. */
  get stopped(): "deadline" | "cancelled" | undefined {
    return this.#stopped;
  }

  /** Totals are 0 where they are not known yet. */
  startPhase(phase: UnifyProgress["phase"], filesTotal = 0, bytesTotal = 0): void {
    this.#report?.();
    this.#phase = phase;
    this.#filesTotal = filesTotal;
    this.#bytesTotal = bytesTotal;
    this.#bytesBefore = this.job.bytesRead;
    this.job.startPhase();
    this.#report?.();
  }

  [Symbol.dispose](): void {
    this.#report?.();
    for (const timer of this.#timers) clearTimeout(timer);
    this.#outer?.removeEventListener("abort", this.#cancel);
  }

  /** Resolves once the run does not rest any more, or has been stopped. Native jobs wait by themselves. */
  async rested(): Promise<void> {
    while (this.#backOff.resting && this.#stopped === undefined) await sleep(restingMs);
  }

  #watchPressure(limit: number): NodeJS.Timeout {
    const pressure = new Pressure();
    return setInterval(() => {
      this.#backOff = nextBackOff(this.#backOff, pressure.look(), limit);
      this.job.pause(this.#backOff.resting);
    }, lookEveryMs);
  }

  #stop(why: "deadline" | "cancelled"): void {
    // A deadline leaves the second that displaced files wait for late writers; a cancel does not.
    if (why === "cancelled") this.job.cancel();
    else this.job.windDown();
    if (this.#stopped !== undefined) return;
    this.#stopped = why;
    this.#abort.abort(new Error(why));
  }
}
