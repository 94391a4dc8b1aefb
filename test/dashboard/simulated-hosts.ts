import { Redis } from "ioredis";
import type { EventBody } from "@samepage/controller/api";

/** Hosts that exist as the controller's records only: what a page shows of ten thousand does not depend on ten thousand agents on this machine. */
export interface SimulatedHosts extends AsyncDisposable {
  /** Pushes the events of a rollout in which so many hosts work at once, until stopped: each tells its progress once a second and ends after about six. */
  work(rollout: string, atOnce: number): AsyncDisposable;
}

const facts = {
  agentVersion: "0.1.0",
  kernel: "6.12.48+deb13-amd64",
  architecture: "x64",
  operatingSystem: "Debian GNU/Linux 13 (trixie)",
  cpus: 32,
  memoryBytes: 274_877_906_944,
  timeZone: "Europe/Berlin",
  capabilities: ["strategy.hardlink", "strategy.reflink", "guard.cow", "guard.immutable", "ksm"],
};

/** Commands sent together. */
const together = 500;
/** Events are written in bursts this far apart, milliseconds. */
const burstMs = 100;

export function simulatedName(index: number): string {
  return `load-${index}`;
}

/**
 * Writes the hosts, each with its guests, all of them online at the one controller that runs.
 * @param url of the controller's Redis, `unix:/path`
 * @throws Error when no controller runs
 */
export async function simulateHosts(url: string, count: number, guests: number): Promise<SimulatedHosts> {
  const redis = new Redis({ path: url.slice("unix:".length) });
  const [controller] = await redis.smembers("samepage:{fleet}:controllers");
  if (controller === undefined) throw new Error("no controller runs over this Redis");
  const now = Date.now();
  for (let first = 0; first < count; first += together) {
    const batch = redis.pipeline();
    for (let index = first; index < Math.min(count, first + together); index += 1) {
      const name = simulatedName(index);
      const own = Array.from({ length: guests }, (_, guest) => ({ name: `lxc/web-${guest}`, provider: "lxc", path: `/var/lib/lxc/web-${guest}/rootfs`, domain: "default", state: "running" }));
      batch.hset(`samepage:{host:${name}}`, {
        enrolledAt: now,
        serial: `00${index}`,
        key: "",
        notAfter: now + 86_400_000,
        "label:env": index % 3 === 0 ? "test" : "prod",
        "label:rack": `r${index % 200}`,
        facts: JSON.stringify({ ...facts, kernel: index % 5 === 0 ? "6.1.0-37-amd64" : facts.kernel }),
        clockOffsetMs: "12",
        guests: JSON.stringify(own),
        guestCount: guests,
      });
      batch.sadd("samepage:{fleet}:hosts", name);
      batch.hset("samepage:{fleet}:online", name, `${controller}/simulated-${index}`);
      batch.hset("samepage:{fleet}:seen", name, now);
      batch.hset("samepage:{fleet}:guest-counts", name, guests);
    }
    await batch.exec();
  }
  return {
    work: (rollout, atOnce) => {
      let turn = 0;
      const push = () => {
        const batch = redis.pipeline();
        const event = (body: EventBody) => batch.xadd("samepage:{rollouts}:events", "MAXLEN", "~", "20000", "*", "body", JSON.stringify(body));
        for (const body of burst(rollout, turn, atOnce, count)) event(body);
        turn += 1;
        void batch.exec();
      };
      const timer = setInterval(push, burstMs);
      return {
        [Symbol.asyncDispose]: async () => {
          clearInterval(timer);
          await redis.ping();
        },
      };
    },
    [Symbol.asyncDispose]: async () => {
      await redis.quit();
    },
  };
}

/** Bursts in a host's job. */
const jobBursts = 60;

/** The events of one burst: hosts begin in turn, tell their progress every tenth burst, and end. */
function* burst(rollout: string, turn: number, atOnce: number, count: number): Generator<EventBody> {
  const begun = Math.ceil(atOnce / jobBursts);
  for (let age = 0; age <= Math.min(turn, jobBursts); age += 1) {
    if (age % 10 !== 0) continue;
    for (let at = 0; at < begun; at += 1) {
      const host = simulatedName(((turn - age) * begun + at) % count);
      if (age === 0) for (const state of ["dispatching", "acknowledged", "running"] as const) yield { type: "rollout-host", rollout, host, state, reason: "", reclaimedBytes: null };
      else if (age === jobBursts) yield { type: "rollout-host", rollout, host, state: at % 50 === 0 ? "failed" : "succeeded", reason: at % 50 === 0 ? "no space left on device" : "", reclaimedBytes: 123_456_789 };
      else yield { type: "progress", rollout, host, progress: { phase: "identify", files: age * 1000, filesTotal: jobBursts * 1000, bytes: age * 1e7, bytesTotal: jobBursts * 1e7 } };
    }
  }
}
