import { execFile } from "node:child_process";
import { cp, mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { createAgent, defaultConfig } from "@samepage/agent";
import { createController } from "@samepage/controller";
import { createApiClient } from "@samepage/controller/api";
import { startRedis } from "@samepage/test-support";
import { pino } from "pino";
import { expect, test } from "vitest";
import { simulatedEngine } from "./simulated-engine.ts";
import { isOver, startFleet, unguarded } from "./test-fleet.ts";

const run = promisify(execFile);
const config = { ...defaultConfig, guests: { ...defaultConfig.guests, directories: ["/guests/*"] } };
const logger = pino({ level: "silent" });

/** The commands of docs/operations.md, on a socket of this test's own. */
async function redisCli(url: string, ...args: string[]): Promise<string> {
  return (await run("redis-cli", ["-s", url.slice("unix:".length), ...args])).stdout;
}

test("a fleet comes back from a backup of Redis and of the controller's directory, and goes on with hosts that have done more since", async () => {
  await using fleet = await startFleet();
  const applied: string[] = [];
  const addHost = async (name: string) => {
    await mkdir(join(fleet.dir, `${name}-root/guests/a`), { recursive: true });
    return fleet.addAgent(name, { config, engine: simulatedEngine({ milliseconds: 20, applied: () => applied.push(name) }), labels: { env: "prod" } });
  };
  await addHost("h1");
  const unify = async (api: typeof fleet.api) => (await api.rollouts.create({ operation: { kind: "unify" } })).id;
  const before = await unify(fleet.api);
  await fleet.until(before, isOver);

  const backup = join(fleet.dir, "backup");
  await mkdir(backup);
  await redisCli(fleet.redis.url, "--rdb", join(backup, "dump.rdb"));
  await cp(join(fleet.dir, "controller"), join(backup, "controller"), { recursive: true });

  // What happens after the backup is lost with Redis: two rollouts, whose fences the host has obeyed, and a host.
  for (let more = 0; more < 2; more++) await fleet.until(await unify(fleet.api), isOver);
  const late = await addHost("late");
  expect(applied).toEqual(["h1", "h1", "h1"]);
  await fleet.controller.close();
  await fleet.redis.kill();

  await using redis = await startRedis(backup, ["--appendonly", "no"]);
  await redisCli(redis.url, "config", "set", "appendonly", "yes");
  const restored = await createController({ stateDir: join(backup, "controller"), redis: redis.url, agentListen: fleet.controller.address.agents, apiListen: "127.0.0.1:0", logger });
  try {
    // The operator's token and the authority are those of before: nobody enrols again who was there.
    const api = createApiClient({ url: restored.address.api, token: fleet.controller.adminToken, ca: fleet.controller.ca });
    await expect.poll(async () => (await api.hosts.list()).map(({ name, state, labels }) => [name, state, labels["env"]]), { timeout: 60_000 }).toEqual([["h1", "online", "prod"]]);
    expect((await api.rollouts.list()).map(({ id, state }) => [id, state])).toEqual([[before, "completed"]]);
    const after = await unify(api);
    await expect.poll(async () => (await api.rollouts.get(after)).state, { timeout: 60_000 }).toBe("completed");
    expect(applied).toEqual(["h1", "h1", "h1", "h1"]);

    // Nobody knows it any more: it joins like a new one.
    await late.close();
    await rm(join(fleet.dir, "late/identity.json"));
    const { secret: token, caFingerprint: fingerprint, agentAddress } = await api.tokens.create({ kind: "enrolment" });
    const again = await createAgent({ stateDir: join(fleet.dir, "late"), root: join(fleet.dir, "late-root"), config: unguarded(config), logger, enrolment: { controller: agentAddress, host: "late", token, fingerprint } });
    await again.connected();
    expect((await api.hosts.get("late")).state).toBe("online");
    await again.close();
  } finally {
    await restored.close();
  }
});
