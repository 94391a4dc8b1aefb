/** Words of the shared block; native/control.h is the other side. */
const words = 16;
const cancelWord = 0;
const pauseWord = 1;
const rateWord = 2;
const filesWord = 3;
const readWord = 4;
const hashedWord = 5;
const comparedWord = 6;

/** Steers running native jobs and reads their counters, through shared memory: no call, no event. */
export class JobControl {
  readonly buffer = new ArrayBuffer(words * 8);
  readonly #words = new BigInt64Array(this.buffer);

  /** @param bytesPerSecond upper bound of the read rate; 0 for none */
  constructor(bytesPerSecond = 0) {
    this.#words[rateWord] = BigInt(Math.floor(bytesPerSecond));
  }

  /** Ends the jobs within 100 ms; their promises reject with ECANCELED or resolve with what was done. */
  cancel(): void {
    this.#words[cancelWord] = 1n;
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
