import { appendFileSync, readFileSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { type Agent, createAgent, defaultConfig } from "@samepage/agent";
import { simulatedEngine } from "@samepage/test-e2e";
import { pino } from "pino";
import type { LoadAgentsOptions } from "./load-agents-options.ts";

/** The simulator: agents in one process. Its argument names the options' file; prints one line of JSON once all are connected. */
const { file }: { readonly file: string } = JSON.parse(process.argv[2] ?? "{}");
const { dir, enrolments, milliseconds, failing, restarting, journal }: LoadAgentsOptions = JSON.parse(readFileSync(file, "utf8"));
const logger = pino({ level: "silent" });
const config = { ...defaultConfig, cowGuard: "off" as const, guests: { ...defaultConfig.guests, directories: ["/guests/*"] }, metrics: { listen: "none" } };

/** Enrolments under way at once: more would only wait in the controller's queue. */
const atOnce = 16;

async function start(enrolment: LoadAgentsOptions["enrolments"][number], first: boolean): Promise<void> {
  const { host } = enrolment;
  const root = join(dir, `${host}-root`);
  let agent: Agent | undefined;
  const [least, most] = milliseconds;
  const engine = simulatedEngine({
    milliseconds: least + Math.random() * (most - least),
    fails: () => Math.random() < failing,
    applied: () => {
      appendFileSync(journal, `${host} ${Date.now()}\n`);
      if (Math.random() < restarting) void agent?.close().then(async () => start(enrolment, false));
    },
  });
  if (first) await mkdir(join(root, "guests/a"), { recursive: true });
  agent = await createAgent({ stateDir: join(dir, host), root, config, engine, logger, ...(first ? { enrolment } : {}) });
  if (first) await agent.connected();
}

const waiting = [...enrolments];
await Promise.all(
  Array.from({ length: atOnce }, async () => {
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) await start(next, true);
  }),
);
process.stdout.write(`${JSON.stringify({ ready: enrolments.length })}\n`);
