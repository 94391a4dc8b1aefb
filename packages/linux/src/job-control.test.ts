import { closeSync, constants, openSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, onTestFinished, test } from "vitest";
import { JobControl, scanTrees, setBackground } from "./index.ts";

/** SCHED_IDLE in sched.h. */
const idle = 5;

/** Threads of this process that run only when a processor has nothing else to do. */
function idleThreads(): number {
  return readdirSync("/proc/self/task").filter((id) => {
    try {
      // The 41st field; the 2nd, the name, may hold spaces, and ends with the last parenthesis.
      return Number(readFileSync(`/proc/self/task/${id}/stat`, "latin1").split(") ").at(-1)?.split(" ")[38]) === idle;
    } catch {
      return false; // It has ended.
    }
  }).length;
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await sleep(5);
}

test("a background job's threads give way to all others, a pause holds them, and the pool's threads come back", async () => {
  const fd = openSync(import.meta.dirname, constants.O_RDONLY | constants.O_DIRECTORY);
  onTestFinished(() => closeSync(fd));
  const scan = async (control: JobControl) => scanTrees({ guests: [{ fd, space: 0, pool: false, exact: [] }], patterns: [], tags: [], minSize: 1, threads: 3 }, control);
  const control = new JobControl({ background: true });
  control.pause(true);
  let ended = false;
  const scanning = scan(control).finally(() => (ended = true));
  // Three of its own, and the one of the pool that waits for them.
  await until(() => idleThreads() === 4);
  expect(ended).toBe(false);
  control.pause(false);
  using tree = await scanning;
  expect(tree.rowCount).toBeGreaterThan(0);
  await until(() => idleThreads() === 0);

  const normal = new JobControl();
  normal.pause(true);
  const held = scan(normal);
  await sleep(50);
  expect(idleThreads()).toBe(0);
  normal.cancel();
  await expect(held).rejects.toMatchObject({ code: "ECANCELED" });
});

test("a paced job rests for most of the time", async () => {
  const fd = openSync(join(import.meta.dirname, "../../../node_modules"), constants.O_RDONLY | constants.O_DIRECTORY);
  onTestFinished(() => closeSync(fd));
  // Warm, so that what is left is work.
  const scan = async (paced: boolean) => {
    const from = process.cpuUsage();
    const began = performance.now();
    using _ = await scanTrees({ guests: [{ fd, space: 0, pool: false, exact: [] }], patterns: [], tags: [], minSize: 1, threads: 1 }, new JobControl({ paced }));
    const { user, system } = process.cpuUsage(from);
    return { worked: (user + system) / 1000, took: performance.now() - began };
  };
  await scan(false);
  const { worked, took } = await scan(true);
  expect(took).toBeGreaterThan(2 * worked);
});

test("a process in the background is so with all its threads, and comes back", async () => {
  setBackground(true);
  expect(idleThreads()).toBe(readdirSync("/proc/self/task").length);
  setBackground(false);
  expect(idleThreads()).toBe(0);
});
