import { appendFileSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { createAgent, defaultConfig } from "@samepage/agent";
import { simulatedEngine } from "@samepage/test-e2e";
import { pino } from "pino";
import type { AgentsOptions } from "./agents-options.ts";

/** Agents as a process: options as JSON in the first argument, one line of JSON on stdout once all are connected. */
const { dir, hosts, enrolments, milliseconds, journal, clockAheadMs }: AgentsOptions = JSON.parse(process.argv[2] ?? "{}");
if (clockAheadMs !== 0) {
  const realNow = Date.now;
  Date.now = () => realNow() + clockAheadMs;
}
const logger = pino({ level: process.env["SAMEPAGE_TEST_LOG"] ?? "silent" }, pino.destination(2));
const config = { ...defaultConfig, cowGuard: "off" as const, guests: { ...defaultConfig.guests, directories: ["/guests/*"] }, metrics: { listen: "none" } };
await Promise.all(
  hosts.map(async (host) => {
    const root = join(dir, `${host}-root`);
    await mkdir(join(root, "guests/a"), { recursive: true });
    const engine = simulatedEngine({ milliseconds, applied: () => appendFileSync(journal, `${host}\n`) });
    const enrolment = enrolments[host];
    const agent = await createAgent({ stateDir: join(dir, host), root, config, engine, logger, ...(enrolment === undefined ? {} : { enrolment }) });
    if (enrolment !== undefined) await agent.connected();
  }),
);
process.stdout.write(`${JSON.stringify({ ready: hosts.length })}\n`);
