import { join } from "node:path";
import { createApiClient } from "@samepage/controller/api";
import { startRedis, temporaryDirectory, type TestRedis } from "@samepage/test-support";
import { expect, test } from "vitest";
import { controllerMain, startMain } from "./main-process.ts";

/** What systemd and Kubernetes are told to wait before they kill, milliseconds. */
const patienceMs = 30_000;

test.concurrent.each([
  { how: "gone", fault: async (redis: TestRedis) => redis.kill(), says: /Redis does not answer; nothing was changed/u },
  { how: "stopped, so that it takes connections and says nothing", fault: async (redis: TestRedis) => void process.kill(redis.pid, "SIGSTOP"), says: /Redis takes commands and does not answer/u },
])("with Redis $how an operator is told so, and a controller that is told to end does", async ({ fault, says }) => {
  await using dir = await temporaryDirectory("samepage-end-");
  await using redis = await startRedis(dir.path);
  await using controller = await startMain(controllerMain, { stateDir: join(dir.path, "controller"), redis: redis.url, agentListen: "127.0.0.1:0", apiListen: `unix:${join(dir.path, "api.sock")}` });
  const { api: url, adminToken, ca } = controller.ready;
  const api = createApiClient({ url: String(url), token: String(adminToken), ca: String(ca) });
  expect((await api.health()).state).toBe("ok");
  await fault(redis);
  const health = api.health();
  await expect(api.hosts.list()).rejects.toMatchObject({ code: "redis-unreachable", message: expect.stringMatching(says) });
  expect(await health).toMatchObject({ state: "degraded", problems: ["Redis does not answer"] });
  const told = performance.now();
  await controller.end();
  expect(performance.now() - told).toBeLessThan(patienceMs);
});
