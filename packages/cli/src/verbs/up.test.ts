import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { request } from "node:https";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { temporaryDirectory } from "@samepage/test-support";
import { expect, test } from "vitest";
import { runSamepage, samepage } from "../run-samepage.test-support.ts";

test.skipIf(!existsSync("/usr/bin/redis-server"))("samepage up: this host is enrolled and works, the page is served, and a clean stop leaves nothing running (needs redis-server)", async () => {
  await using directory = await temporaryDirectory("samepage-up-");
  const stateDir = join(directory.path, "state");
  const guests = join(directory.path, "guests");
  for (const guest of ["a", "b"]) {
    await mkdir(join(guests, guest), { recursive: true });
    await writeFile(join(guests, guest, "equal"), Buffer.alloc(100_000, 7));
  }
  const config = join(directory.path, "agent.yaml");
  await writeFile(config, JSON.stringify({ host: "only", guests: { providers: [], directories: [`${guests}/*`] } }));
  const words = ["up", "--state-dir", stateDir, "--config", config, "--agent-listen", "127.0.0.1:0", "--api-listen", "127.0.0.1:0"];
  const child = spawn(process.execPath, [samepage, ...words], { stdio: ["ignore", "pipe", "inherit"] });
  const exited = once(child, "exit");
  try {
    const environment: Record<string, string> = {};
    for await (const line of createInterface({ input: child.stdout })) {
      const given = /export (?<key>\w+)=(?<value>\S+)/u.exec(line)?.groups;
      if (given?.["key"] !== undefined && given["value"] !== undefined) environment[given["key"]] = given["value"];
      if (Object.keys(environment).length === 3) break;
    }
    // The inventory follows the connection.
    await expect.poll(async () => (await runSamepage(["guest", "ls", "--json"], environment)).stdout, { timeout: 60_000 }).toContain(`${guests}/a`.slice(1));
    const rollout = await runSamepage(["rollout", "plan", "unify", "--json"], environment);
    expect(rollout).toMatchObject({ status: 0, stderr: "" });
    expect(rollout.stdout).toContain('"only"');
    expect(await page(environment["SAMEPAGE_CONTROLLER"] ?? "", await readFile(environment["SAMEPAGE_CA"] ?? "", "utf8"))).toContain("<title>Samepage</title>");
  } finally {
    child.kill("SIGINT");
    await exited;
  }
  expect(child.exitCode).toBe(0);
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/u.test(name));
  const commands = await Promise.all(pids.map(async (pid) => readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "")));
  expect(commands.filter((command) => command.includes(stateDir))).toEqual([]);
});

async function page(url: string, ca: string): Promise<string> {
  const asked = request(url, { ca });
  asked.end();
  const [response] = await once(asked, "response");
  return (await response.setEncoding("utf8").toArray()).join("");
}

test("samepage up without Redis says how to get it", async () => {
  await using scratch = await temporaryDirectory();
  const { status, stderr } = await runSamepage(["up", "--state-dir", scratch.path], { PATH: scratch.path });
  expect(status).toBe(1);
  expect(stderr).toBe("samepage: redis-server is not installed. Install it: apt-get install --no-install-recommends redis-server\n");
});
