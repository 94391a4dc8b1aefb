/** Most events that fell into any one second since the beginning. */
export interface BusiestSecond {
  count(): void;
  readonly most: number;
}

export function createBusiestSecond(now: () => number = () => performance.now()): BusiestSecond {
  /** When the events of the last second were. */
  const recent: number[] = [];
  let most = 0;
  return {
    count: () => {
      const at = now();
      recent.push(at);
      while ((recent[0] ?? at) <= at - 1000) recent.shift();
      most = Math.max(most, recent.length);
    },
    get most() {
      return most;
    },
  };
}
