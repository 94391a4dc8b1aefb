import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { machine } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { agentTreeOf, decideUpgrade, isVersion } from "@samepage/fleet";
import { AgentError } from "../agent-error.ts";
import { readIfThere, removeDurable, writeDurable } from "../durable-file.ts";
import { agentVersion } from "../host-facts.ts";
import { messageOf } from "../thrown.ts";
import { fetchVersion } from "./fetch-version.ts";
import type { ReleaseCalls } from "./release-calls.ts";
import type { UpgradePlaces } from "./upgrade-places.ts";
import { readReleaseKey, verifyRelease } from "./verify-release.ts";

/** How an upgrade ended, as the service that exchanges versions has decided it. */
export interface UpgradeOutcome {
  readonly wanted: string;
  readonly previous: string;
  /** Undefined: `wanted` runs. Else why `previous` runs again. */
  readonly returned: string | undefined;
}

/** Exchanging the version of this agent. The exchange itself is a small service's, which no version brings along and which outlives this process. */
export interface Upgrades {
  /**
   * Fetches and checks a version, and orders the exchange for a job. `same`: it runs already. `ordered`: this process is
   * about to be stopped, and the outcome comes later.
   * @throws AgentError `release-refused`, `upgrade-unsupported` or `unreachable`, with nothing changed.
   */
  order(wanted: string, job: string, signal: AbortSignal): Promise<"same" | "ordered">;
  /** Whether this job has ordered an exchange whose outcome is to be reported. */
  isOrderOf(job: string): Promise<boolean>;
  /** Waits for the outcome; undefined when the signal aborts first. */
  settled(job: string, signal: AbortSignal): Promise<UpgradeOutcome | undefined>;
  /** A controller has said welcome: if this version is on trial, it has passed. */
  welcomed(): Promise<void>;
}

/** Milliseconds between looks for the outcome. */
const lookMs = 500;

/** For agents that are not run by the installed service: what another program started is that one's to replace. */
export const noUpgrades: Upgrades = {
  order: async () => {
    throw new AgentError("upgrade-unsupported", "this agent is not run by its installed service", { hint: "upgrade whatever started it" });
  },
  isOrderOf: async () => false,
  settled: async () => undefined,
  welcomed: async () => {},
};

export function openUpgrades({ home, state, releaseKey }: UpgradePlaces, calls: (signal: AbortSignal) => ReleaseCalls): Upgrades {
  const [order, outcome, healthy, previous] = [join(state, "order"), join(state, "outcome"), join(state, "healthy"), join(state, "previous")] as const;
  const linesOf = async (path: string) => (await readIfThere(path))?.toString("utf8").split("\n");

  const fetch = async (wanted: string, signal: AbortSignal) => {
    const key = await readReleaseKey(releaseKey);
    using release = calls(signal);
    const { manifest, signature } = await release.get();
    const signed = verifyRelease(manifest, signature, key);
    if (signed.version !== wanted) throw new AgentError("release-refused", `the controller's release is ${signed.version}, not ${wanted}`, { hint: "make the rollout again for the release that is there" });
    const file = agentTreeOf(signed, machine());
    if (file === undefined) throw new AgentError("release-refused", `the release has no agent for ${machine()}`, { hint: "build it for this kind of machine too" });
    await fetchVersion(home, wanted, file, release, signal);
  };

  return {
    order: async (wanted, job, signal) => {
      if (!isVersion(wanted)) throw new AgentError("release-refused", "the rollout names no version");
      const before = (await linesOf(previous))?.[0];
      const decision = decideUpgrade({ wanted, running: agentVersion, previous: before });
      if (decision === "same") return "same";
      if (decision === "older") {
        throw new AgentError("release-refused", `${wanted} is older than ${agentVersion}, which runs, and did not run just before it`, { hint: "install an older version with the package manager" });
      }
      if (decision === "fetch") await fetch(wanted, signal);
      signal.throwIfAborted();
      await mkdir(state, { recursive: true, mode: 0o700 });
      for (const path of [outcome, healthy]) await removeDurable(path);
      await writeDurable(order, `${wanted}\n${agentVersion}\n${job}\n`);
      try {
        await promisify(execFile)("systemctl", ["start", "--no-block", "samepage-upgrade.service"]);
      } catch (cause) {
        await removeDurable(order);
        throw new AgentError("upgrade-unsupported", `the service that exchanges versions does not start: ${messageOf(cause).split("\n")[0] ?? ""}`, { hint: "systemctl status samepage-upgrade", cause });
      }
      return "ordered";
    },
    isOrderOf: async (job) => {
      for (const path of [order, outcome]) if ((await linesOf(path))?.[2] === job) return true;
      return false;
    },
    settled: async (job, signal) => {
      while (!signal.aborted) {
        const [wanted = "", before = "", of, returned = ""] = (await linesOf(outcome)) ?? [];
        // The order goes last: until then the service may still be at it.
        if (of === job && !existsSync(order)) return { wanted, previous: before, returned: returned === "" ? undefined : returned };
        await sleep(lookMs, undefined, { signal }).catch(() => {});
      }
      return undefined;
    },
    welcomed: async () => {
      if ((await linesOf(order))?.[0] === agentVersion) await writeDurable(healthy, `${agentVersion}\n`);
    },
  };
}
