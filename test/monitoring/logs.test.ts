import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { Writable } from "node:stream";
import { defaultConfig } from "@samepage/agent";
import { isOver, startFleet } from "@samepage/test-e2e";
import { pino } from "pino";
import { expect, test } from "vitest";

type Line = Readonly<Record<string, unknown>> & { readonly msg: string };

test("every line about a job names it, its rollout and its host, and no line holds a secret", async () => {
  const text: string[] = [];
  const logger = pino({ level: "trace" }, new Writable({ write: (chunk: Buffer, _, done) => (text.push(chunk.toString()), done()) }));
  await using fleet = await startFleet({ logger });
  mkdirSync(join(fleet.dir, "h1-root/guests/a"), { recursive: true });
  const config = { ...defaultConfig, guests: { ...defaultConfig.guests, directories: ["/guests/*"] }, metrics: { listen: "none" } };
  const { secret } = await fleet.api.tokens.create({ kind: "operator", name: "watcher", role: "viewer" });
  await fleet.addAgent("h1", { config, logger });
  const { id: good } = await fleet.api.rollouts.create({ operation: { kind: "plan" } });
  await fleet.until(good, isOver);
  const { id: bad } = await fleet.api.rollouts.create({ operation: { kind: "plan", guests: ["nobody"] } });
  await fleet.until(bad, isOver);

  const lines = text.join("").split("\n").filter((line) => line !== "").map((line): Line => JSON.parse(line));
  const said = (msg: string, rollout: string): Line[] => lines.filter((line) => line.msg === msg && line["rollout"] === rollout);
  for (const [rollout, end] of [[good, "job ends"], [bad, "job failed"]] as const) {
    for (const msg of ["job begins", end]) expect(said(msg, rollout)).toEqual([expect.objectContaining({ host: "h1", job: `${rollout}.0`, operation: "plan" })]);
    expect(said("rollout moved", rollout).length).toBeGreaterThan(0);
  }
  const about = lines.filter(({ msg }) => /\bjob\b/u.test(msg));
  expect(about.filter((line) => typeof line["job"] !== "string" || typeof line["rollout"] !== "string" || typeof line["host"] !== "string")).toEqual([]);

  const whole = text.join("");
  for (const hidden of [fleet.controller.adminToken, secret, "PRIVATE KEY"]) expect(whole).not.toContain(hidden);
});
