import type { Cancel, Dispatch, JobReport, JobResult } from "../rollout/tick-types.ts";

/** A job as its agent works on it. */
export interface Work {
  readonly jobId: string;
  readonly fence: number;
  readonly notAfter: number;
}

/**
 * What an agent has to be for a rollout to go right, and no more: it takes a command once per fence and never an older one, works
 * only until the not-after, and keeps each result until it is acknowledged.
 */
export class AgentModel {
  readonly name: string;
  online = true;
  /** It will never be heard of again. */
  dead = false;
  work: Work | null = null;
  /** Results that the controller has not acknowledged, oldest first. */
  readonly unsent: JobResult[] = [];
  /** Every result there ever was, by `job fence`: nothing may be done twice. */
  readonly done = new Map<string, JobResult>();
  #seenFence = 0;

  constructor(name: string) {
    this.name = name;
  }

  /** Takes a command, or refuses it by saying nothing. Returns what it answers. */
  take(command: Dispatch, now: number): JobReport | null {
    if (command.fence < this.#seenFence || now >= command.notAfter) return null;
    if (command.fence === this.#seenFence) {
      const working = this.work?.fence === command.fence;
      return working ? { type: "acknowledged", jobId: command.jobId, fence: command.fence } : null;
    }
    // A newer command for the same host takes the place of older work, which leaves a checkpoint.
    if (this.work !== null) this.end("stopped");
    this.#seenFence = command.fence;
    this.work = { jobId: command.jobId, fence: command.fence, notAfter: command.notAfter };
    return { type: "acknowledged", jobId: command.jobId, fence: command.fence };
  }

  cancel(order: Cancel): void {
    if (this.work?.fence === order.fence) this.end("stopped");
    // A command that never came is not going to be taken any more, and the controller hears so.
    else if (order.fence > this.#seenFence) {
      this.#seenFence = order.fence;
      this.report({ type: "result", jobId: order.jobId, fence: order.fence, outcome: "stopped" });
    }
  }

  /** Ends the work under way. */
  end(outcome: "succeeded" | "failed" | "stopped" | "interrupted"): void {
    if (this.work === null) return;
    const { jobId, fence } = this.work;
    this.work = null;
    this.report({ type: "result", jobId, fence, outcome, saved: { diskBytes: 1, cacheBytes: 0, memoryBytes: 0 }, proved: true });
  }

  /** Stops by itself once the permission is over. */
  watchTheClock(now: number): void {
    if (this.work !== null && now >= this.work.notAfter) this.end("stopped");
  }

  private report(result: JobResult): void {
    const key = `${result.jobId} ${result.fence}`;
    if (this.done.has(key)) throw new Error(`${this.name} did ${key} twice`);
    this.done.set(key, result);
    this.unsent.push(result);
  }
}
