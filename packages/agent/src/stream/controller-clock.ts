/**
 * The controller's clock as this host can know it: times in commands are the controller's, and this host's own clock may be
 * wrong by hours or be set while a job runs. Every message says when it was sent; the least delayed one tells the
 * difference to a clock that only goes forward. A message that was stuck on the way therefore never prolongs a permission.
 */
export interface ControllerClock {
  /** A message arrived that was sent at this time, ns since the epoch. */
  heard(sentAtNs: bigint): void;
  /** Milliseconds from now until a time of the controller's, ns since the epoch; negative when it is over. */
  until(atNs: bigint): number;
}

/** @param now milliseconds of a clock that only goes forward. */
export function createControllerClock(now: () => number = () => performance.now()): ControllerClock {
  /** Controller's time minus ours: the largest seen is the least delayed. */
  let offset = Number.NEGATIVE_INFINITY;
  return {
    heard: (sentAtNs) => {
      offset = Math.max(offset, toMilliseconds(sentAtNs) - now());
    },
    until: (atNs) => toMilliseconds(atNs) - offset - now(),
  };
}

function toMilliseconds(ns: bigint): number {
  return Number(ns / 1000n) / 1000;
}
