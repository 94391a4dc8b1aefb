import { appendFileSync, readFileSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { type Agent, createAgent, defaultConfig, type Engine } from "@samepage/agent";
import { simulatedEngine } from "@samepage/test-e2e";
import { pino } from "pino";
import { enrolInBulk } from "./enrol-in-bulk.ts";
import type { LoadAgentsOptions } from "./load-agents-options.ts";

/** The simulator: agents in one process. Its argument names the options' file; prints one line of JSON once all are connected. */
const { file }: { readonly file: string } = JSON.parse(process.argv[2] ?? "{}");
const { dir, enrolments, authorities, milliseconds, failing, restarting, journal }: LoadAgentsOptions = JSON.parse(readFileSync(file, "utf8"));
const logger = pino({ level: "silent" });
// Without the guard: each agent would ask the kernel for it by a program of its own, and none of them shares a file.
const config = { ...defaultConfig, cowGuard: "off" as const, guests: { ...defaultConfig.guests, directories: ["/guests/*"] } };

/** Enrolments under way at once: enough to keep the controller's gate busy, few enough that none waits there for long. */
const atOnce = 24;

function note(what: "begun" | "ended", host: string): void {
  if (journal !== undefined) appendFileSync(journal, `${what} ${host} ${Date.now()}\n`);
}

async function start(enrolment: LoadAgentsOptions["enrolments"][number], first: boolean): Promise<void> {
  const { host } = enrolment;
  const root = join(dir, `${host}-root`);
  let agent: Agent | undefined;
  const [least, most] = milliseconds;
  const simulated = simulatedEngine({
    milliseconds: least + Math.random() * (most - least),
    fails: () => Math.random() < failing,
    applied: () => {
      note("begun", host);
      if (Math.random() < restarting) void agent?.close().then(async () => start(enrolment, false));
    },
  });
  const engine: Engine = {
    ...simulated,
    applyPlan: async (plan, options) => {
      try {
        const report = await simulated.applyPlan(plan, options);
        if (report.stopped === undefined) note("ended", host);
        return report;
      } catch (error) {
        // A failure ends the job, even one of an agent that was just cut off: it is reported when the agent is back.
        note("ended", host);
        throw error;
      }
    },
  };
  if (first) await mkdir(join(root, "guests/a"), { recursive: true });
  agent = await createAgent({ stateDir: join(dir, host), root, config, engine, logger, enrolment });
  if (first) await agent.connected();
}

if (authorities !== undefined) await enrolInBulk(enrolments, dir, authorities);
const waiting = [...enrolments];
await Promise.all(
  Array.from({ length: atOnce }, async () => {
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) await start(next, true);
  }),
);
process.stdout.write(`${JSON.stringify({ ready: enrolments.length })}\n`);
