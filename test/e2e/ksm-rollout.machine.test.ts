import { spawn } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { defaultConfig } from "@samepage/agent";
import { expect, test } from "vitest";
import { isOver, startFleet } from "./test-fleet.ts";

const knobs = ["run", "pages_to_scan", "sleep_millisecs", "advisor_mode", "use_zero_pages"] as const;
const sysfs = "/sys/kernel/mm/ksm";
const whyNot = process.getuid?.() === 0 ? (existsSync(sysfs) ? "" : "this kernel has no KSM") : "needs root";
const program = join(import.meta.dirname, "../../packages/ksm/build/test/memory-guest");

function read(name: string): string {
  return readFileSync(join(sysfs, name), "utf8").trim();
}

test.skipIf(whyNot !== "")(`a rollout merges the memory of a host's guests, and its rollback leaves every knob as before${whyNot && ` (skipped: ${whyNot})`}`, async () => {
  const before = knobs.map(read);
  await using fleet = await startFleet();
  await using guests = new AsyncDisposableStack();
  const start = async (root: string): Promise<void> => {
    const child = spawn("chroot", [root, "/guest", "40", "0", "10"], { stdio: ["pipe", "pipe", "inherit"] });
    guests.defer(async () => {
      const ended = once(child, "exit");
      child.kill("SIGKILL");
      await ended;
    });
    await once(child.stdout, "data"); // `ready`
  };
  const roots = ["a", "b"].map((name) => join(fleet.dir, "h1-root/guests", name));
  for (const root of roots) {
    mkdirSync(root, { recursive: true });
    copyFileSync(program, join(root, "guest"));
    await start(root);
  }
  await fleet.addAgent("h1", { config: { ...defaultConfig, guests: { ...defaultConfig.guests, directories: ["/guests/*"] } } });

  const { id } = await fleet.api.rollouts.create({ operation: { kind: "ksm-tune" } });
  expect(await fleet.until(id, isOver, 90_000)).toMatchObject({ state: "completed", hosts: { succeeded: 1 } });
  // 40 MB of each are equal: one copy of them is saved.
  expect(Number(read("pages_sharing"))).toBeGreaterThan(40 * 256 * 0.95);
  const { hosts } = await fleet.api.rollouts.report(id);
  expect(hosts[0]?.result).toMatchObject({ processes: { verified: 2 } });

  // A guest's new process is opted in by itself, and its 40 MB find the kept copy.
  await start(roots[0] ?? "");
  await expect.poll(() => Number(read("pages_sharing")), { timeout: 90_000, interval: 250 }).toBeGreaterThan(2 * 40 * 256 * 0.95);

  const { id: back } = await fleet.api.rollouts.rollback(id);
  expect(await fleet.until(back, isOver, 90_000)).toMatchObject({ state: "completed", hosts: { succeeded: 1 } });
  expect(read("pages_shared")).toBe("0");
  expect(knobs.map(read)).toEqual(before);
});
