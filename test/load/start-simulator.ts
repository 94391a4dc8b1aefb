import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { ApiClient } from "@samepage/controller/api";
import { type MainProcess, startMain } from "@samepage/test-faults";
import type { LoadAgentsOptions } from "./load-agents-options.ts";

export interface Simulation extends Omit<LoadAgentsOptions, "enrolments" | "authorities"> {
  /** Hosts' names; each gets a token of its own. */
  readonly hosts: readonly string[];
  /** `each` as on real hosts; `bulk` over one connection. Default `bulk`. */
  readonly enrol?: "each" | "bulk";
}

/** Tokens asked for at once: the API answers them side by side. */
const tokensAtOnce = 16;

/** Enrolling one agent takes so long at the worst, ms: three TLS connections through the controller's gate on a busy machine. */
const enrolmentMs = 500;

/** Starts one simulator process against a controller; resolves when all its agents are connected. */
export async function startSimulator(api: ApiClient, { hosts, enrol = "bulk", ...simulation }: Simulation): Promise<MainProcess> {
  const enrolments: LoadAgentsOptions["enrolments"][number][] = [];
  const waiting = [...hosts];
  await Promise.all(
    Array.from({ length: tokensAtOnce }, async () => {
      for (let host = waiting.pop(); host !== undefined; host = waiting.pop()) {
        const { secret, caFingerprint, agentAddress } = await api.tokens.create({ kind: "enrolment", host, ttlSeconds: 3600 });
        enrolments.push({ controller: agentAddress, host, token: secret, fingerprint: caFingerprint });
      }
    }),
  );
  mkdirSync(simulation.dir, { recursive: true, mode: 0o700 });
  const file = join(simulation.dir, `${hosts[0] ?? "none"}.json`);
  const options: LoadAgentsOptions = { ...simulation, enrolments, ...(enrol === "bulk" ? { authorities: (await api.authority.get()).authorities } : {}) };
  writeFileSync(file, JSON.stringify(options), { mode: 0o600 });
  return startMain(join(import.meta.dirname, "load-agents-main.ts"), { file }, 60_000 + hosts.length * enrolmentMs);
}

/** `load-0` … */
export function hostNames(first: number, count: number): string[] {
  return Array.from({ length: count }, (_, index) => `load-${first + index}`);
}
