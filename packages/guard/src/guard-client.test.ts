import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { guardAvailability } from "./guard-availability.ts";
import { GuardClient } from "./guard-client.ts";
import { startGuard } from "./guard-supervisor.ts";

async function stateDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "samepage-guard-"));
  onTestFinished(async () => rm(directory, { recursive: true, force: true }));
  return directory;
}

test("without a daemon every connection is refused with what to do", async () => {
  const directory = await stateDirectory();
  await expect(GuardClient.connect(join(directory, "socket"))).rejects.toMatchObject({ name: "GuardError", code: "not-running" });
});

// Where the guard can run, test/kernel runs it; starting it here would put hooks into the developer's kernel.
const available = (await guardAvailability()).mode !== "none";

test.skipIf(available)("on a kernel that cannot carry it, starting fails with the daemon's last words", async () => {
  const directory = await stateDirectory();
  await expect(startGuard({ stateDir: directory, socketPath: join(directory, "socket") })).rejects.toMatchObject({ code: "unavailable" });
});
