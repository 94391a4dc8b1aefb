/** Words of the shared block; native/control.h is the other side. */
const words = 16;
const cancelWord = 0;
const pauseWord = 1;
const rateWord = 2;
const filesWord = 3;
const readWord = 4;
const hashedWord = 5;
const comparedWord = 6;
const backgroundWord = 9;
const pacedWord = 10;

const stopNow = 1n;
const stopSoon = 2n;

export interface JobLimits {
  /** Upper bound of the read rate, over all threads. Bytes per second; default none. */
  readonly bytesPerSecond?: number | undefined;
  /**
   * Threads give way to all others: reading ones run when a processor is idle (SCHED_IDLE, I/O class idle), changing ones
   * last (nice 19, best effort 7), because guests wait for the locks they hold. Default false.
   */
  readonly background?: boolean | undefined;
  /** Reading threads work for 0.2 ms at a time and rest for twice as long: nobody who wants their processor waits for longer. Default false. */
  readonly paced?: boolean | undefined;
}

/** Steers running native jobs and reads their counters, through shared memory: no call, no event. */
export class JobControl {
  readonly buffer = new ArrayBuffer(words * 8);
  readonly #words = new BigInt64Array(this.buffer);

  constructor({ bytesPerSecond = 0, background = false, paced = false }: JobLimits = {}) {
    this.#words[rateWord] = BigInt(Math.floor(bytesPerSecond));
    this.#words[backgroundWord] = background ? 1n : 0n;
    this.#words[pacedWord] = paced ? 1n : 0n;
  }

  /**
   * Ends the jobs within 100 ms; their promises reject with ECANCELED or resolve with what was done. Displaced files that
   * still waited for late writers are left to recovery.
   */
  cancel(): void {
    this.#words[cancelWord] = stopNow;
  }

  /** Begins nothing new; what a swap has displaced is settled first, which takes its grace period. */
  windDown(): void {
    if (this.#words[cancelWord] === 0n) this.#words[cancelWord] = stopSoon;
  }

  /** Makes the jobs wait, or go on. */
  pause(paused: boolean): void {
    this.#words[pauseWord] = paused ? 1n : 0n;
  }

  /** Counters of the running phase restart; those of bytes go on over all jobs of one control. */
  startPhase(): void {
    this.#words[filesWord] = 0n;
  }

  get files(): number {
    return Number(this.#words[filesWord]);
  }
  get bytesRead(): number {
    return Number(this.#words[readWord]);
  }
  get bytesHashed(): number {
    return Number(this.#words[hashedWord]);
  }
  get bytesCompared(): number {
    return Number(this.#words[comparedWord]);
  }
}
