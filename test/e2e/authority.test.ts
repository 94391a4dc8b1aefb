import { utimes } from "node:fs/promises";
import { join } from "node:path";
import { defaultConfig } from "@samepage/agent";
import { createApiClient } from "@samepage/controller/api";
import { expect, test } from "vitest";
import { readStoredIdentity } from "./raw-agent.ts";
import { startFleet } from "./test-fleet.ts";

test("the fleet's authority changes in three steps that leave nobody behind", async () => {
  await using fleet = await startFleet();
  const away = await fleet.addAgent("away", { config: defaultConfig });
  const agent = await fleet.addAgent("h1", { config: defaultConfig });
  await away.close();
  await expect.poll(async () => (await fleet.api.hosts.get("away")).state).toBe("offline");
  const before = await fleet.api.authority.get();
  await expect(fleet.api.authority.rotate("switch")).rejects.toMatchObject({ code: "conflict", message: expect.stringContaining("no next authority") });

  const prepared = await fleet.api.authority.rotate("prepare");
  expect(prepared.fingerprint).toBe(before.fingerprint);
  // Pushed to agents that are connected, before anything is signed with it.
  await expect.poll(async () => (await readStoredIdentity(join(fleet.dir, "h1"))).authorities).toBe(prepared.authorities);
  await expect(fleet.api.authority.rotate("switch")).rejects.toMatchObject({ code: "conflict", message: expect.stringContaining("away") });
  const back = await fleet.startAgent("away", { config: defaultConfig });
  await back.connected();
  await expect.poll(async () => (await readStoredIdentity(join(fleet.dir, "away"))).authorities).toBe(prepared.authorities);

  const switched = await fleet.api.authority.rotate("switch");
  expect(switched.fingerprint).not.toBe(before.fingerprint);
  // An agent with a certificate of the old authority comes back to a controller with one of the new.
  await agent.close();
  const again = await fleet.startAgent("h1", { config: defaultConfig });
  await again.connected();
  // Newcomers pin the new one; operators with either CA file are served.
  await fleet.addAgent("h2", { config: defaultConfig });
  const api = createApiClient({ url: fleet.controller.address.api, token: fleet.controller.adminToken, ca: prepared.authorities });
  expect((await api.hosts.list()).map(({ name, state }) => [name, state])).toEqual([["away", "online"], ["h1", "online"], ["h2", "online"]]);

  await expect(api.authority.rotate("finish")).rejects.toMatchObject({ code: "conflict", message: expect.stringContaining("are good until") });
  const longAgo = new Date(Date.now() - 25 * 3_600_000);
  await utimes(join(fleet.dir, "controller/ca/previous.pem"), longAgo, longAgo);
  const finished = await api.authority.rotate("finish");
  expect(finished.authorities).not.toContain(before.authorities.trim());
  expect(finished.fingerprint).toBe(switched.fingerprint);
});

test("metrics are there for Prometheus with a viewer's token", async () => {
  await using fleet = await startFleet();
  await fleet.addAgent("h1", { config: defaultConfig });
  const { secret } = await fleet.api.tokens.create({ kind: "operator", name: "prometheus", role: "viewer" });
  const { request } = await import("node:https");
  const read = async (token: string) =>
    new Promise<string>((resolve, reject) => {
      const asked = request(new URL("/metrics", fleet.controller.address.api), { ca: fleet.controller.ca, headers: { authorization: `Bearer ${token}` } }, (response) => {
        let body = "";
        response.on("data", (chunk: Buffer) => (body += chunk.toString()));
        response.on("end", () => resolve(body));
      });
      asked.on("error", reject).end();
    });
  const text = await read(secret);
  expect(text).toContain("samepage_agent_streams 1");
  expect(text).toContain('samepage_agent_messages_total{message="hello"} 1');
  expect(await read("wrong")).toContain("unauthenticated");
});
