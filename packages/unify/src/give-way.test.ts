import { execFile } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { expect, onTestFinished, test } from "vitest";

/** Where processors are shared out by groups: v1 has the controller to itself, v2 must have been told to hand it down. */
const hierarchy = ["/sys/fs/cgroup/cpu", "/sys/fs/cgroup"].find((top) => existsSync(join(top, "cgroup.procs")) && (top.endsWith("cpu") || readFileSync(join(top, "cgroup.subtree_control"), "latin1").includes("cpu")));
const slice = join(hierarchy ?? "/", "samepage.slice");
const missing = process.getuid?.() !== 0 ? "needs root" : hierarchy === undefined ? "no control groups for processors" : existsSync(slice) ? "an agent's slice is in use here" : undefined;

/** Says, before, in and after a nested stretch of giving way: whether the slice is idle, its weight, how many threads are not SCHED_IDLE. */
const child = `
const { readFileSync, readdirSync, existsSync } = await import("node:fs");
const { giveWay, standGround } = await import(${JSON.stringify(join(import.meta.dirname, "give-way.ts"))});
const weight = ["cpu.weight", "cpu.shares"].map((name) => ${JSON.stringify(slice)} + "/" + name).find(existsSync);
const say = () => {
  const others = readdirSync("/proc/self/task").filter((id) => readFileSync("/proc/self/task/" + id + "/stat", "latin1").split(") ").at(-1).split(" ")[38] !== "5").length;
  console.log(readFileSync(${JSON.stringify(slice)} + "/cpu.idle", "latin1").trim(), readFileSync(weight, "latin1").trim(), others === 0 ? "all threads" : "not all threads");
};
say();
const outer = giveWay(), inner = giveWay();
say();
inner[Symbol.dispose]();
say();
const ground = standGround();
say();
ground[Symbol.dispose]();
outer[Symbol.dispose]();
say();
`;

test.skipIf(missing !== undefined)(`an agent's process and its slice are idle as long as anything in it reads and nothing changes guests, and no longer${missing === undefined ? "" : ` (${missing})`}`, async () => {
  const own = join(slice, `test-${process.pid}`);
  mkdirSync(own, { recursive: true });
  onTestFinished(async () => {
    for (const path of [own, slice])
      for (let patience = 0; patience < 50; patience++)
        try {
          rmdirSync(path);
          break;
        } catch {
          await sleep(20); // What has ended leaves its group a little later.
        }
  });
  const { stdout } = await promisify(execFile)("sh", ["-c", 'echo $$ >"$0/cgroup.procs" && exec "$1" --input-type=module -e "$2"', own, process.execPath, child], { env: { ...process.env, NODE_OPTIONS: "" } });
  const [before, inside, still, changing, after] = stdout.trim().split("\n");
  const weight = before?.split(" ")[1] ?? "";
  expect([before, inside?.replace(/ \d+ /u, " "), still, changing, after]).toEqual([`0 ${weight} not all threads`, "1 all threads", inside, before, before]);
});
