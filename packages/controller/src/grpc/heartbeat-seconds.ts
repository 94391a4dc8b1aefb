/** Heartbeats a second of a whole fleet, at most: each costs a controller a quarter of a millisecond. */
const heartbeatsPerSecond = 100;

/** Longest time between a host's heartbeats, seconds: a gate that asks how hosts are waits for the next one of each. */
const longestSeconds = 300;

/** Seconds between a host's heartbeats: as asked for, and more in a fleet so large that they would keep its controllers busy. */
export function heartbeatSeconds(asked: number, hosts: number): number {
  return Math.max(asked, Math.min(longestSeconds, Math.ceil(hosts / heartbeatsPerSecond)));
}
