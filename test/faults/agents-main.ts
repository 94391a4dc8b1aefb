import { appendFileSync, readFileSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type AgentConfig, createAgent, defaultConfig, type Engine } from "@samepage/agent";
import { simulatedEngine } from "@samepage/test-e2e";
import { applyPlan, collectGarbage, deunify, planUnify, verifyPool } from "@samepage/unify";
import { pino } from "pino";
import type { AgentsOptions } from "./agents-options.ts";
import { inTurns } from "./in-turns.ts";

/** Agents as a process: options as JSON in the first argument, one line of JSON on stdout once all are connected. */
const { dir, hosts, enrolments, engine, journal, clockAheadMs, allowed }: AgentsOptions = JSON.parse(process.argv[2] ?? "{}");
if (clockAheadMs !== 0) {
  const realNow = Date.now;
  Date.now = () => realNow() + clockAheadMs;
}
const logger = pino({ level: process.env["SAMEPAGE_TEST_LOG"] ?? "silent" }, pino.destination(2));
// A test's own rate is the only one: resting while others work would make its length theirs.
const limits: AgentConfig["limits"] = { background: false, paced: false, pressureLimit: 100, ...(engine.kind === "real" && engine.bytesPerSecond !== undefined ? { bytesPerSecond: engine.bytesPerSecond } : {}) };
const config = { ...defaultConfig, cowGuard: "off" as const, guests: { ...defaultConfig.guests, directories: ["/guests/*"] }, limits, metrics: { listen: "none" } };

/** The engine with its beginnings and ends written down. */
function engineOf(host: string): Engine {
  const does: Engine = engine.kind === "real" ? { planUnify, applyPlan, deunify, verifyPool, collectGarbage } : simulatedEngine({ milliseconds: engine.milliseconds });
  return {
    ...does,
    planUnify: async (options) => {
      appendFileSync(journal, `${host}\n`);
      options.signal?.addEventListener("abort", () => appendFileSync(journal, `${host} told to stop ${performance.timeOrigin + performance.now()}\n`));
      await mayGoOn(options.signal);
      return does.planUnify(options);
    },
    applyPlan: async (plan, options) => {
      const report = await does.applyPlan(plan, options);
      appendFileSync(journal, `${host} applied ${performance.timeOrigin + performance.now()}\n`);
      return report;
    },
  };
}

/** Until the file allows one more host than have done their work. */
async function mayGoOn(signal: AbortSignal | undefined): Promise<void> {
  if (allowed === "") return;
  const done = () => new Set(readFileSync(journal, "utf8").split("\n").flatMap((line) => (line.includes(" applied ") ? [line.split(" ")[0]] : []))).size;
  while (done() >= Number(readFileSync(allowed, "utf8"))) await sleep(50, undefined, signal === undefined ? {} : { signal });
}

await inTurns(hosts, async (host) => {
  const root = join(dir, `${host}-root`);
  await mkdir(join(root, "guests/a"), { recursive: true });
  const enrolment = enrolments[host];
  const agent = await createAgent({ stateDir: join(dir, host), root, config, engine: engineOf(host), logger, ...(enrolment === undefined ? {} : { enrolment }) });
  if (enrolment !== undefined) await agent.connected();
});
process.stdout.write(`${JSON.stringify({ ready: hosts.length })}\n`);
