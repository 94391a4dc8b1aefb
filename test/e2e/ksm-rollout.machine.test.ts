import { spawn } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { defaultConfig } from "@samepage/agent";
import { describe, expect, test } from "vitest";
import { isOver, startFleet, type TestFleet } from "./test-fleet.ts";

const knobs = ["run", "pages_to_scan", "sleep_millisecs", "advisor_mode", "use_zero_pages"] as const;
const sysfs = "/sys/kernel/mm/ksm";
const whyNot = process.getuid?.() === 0 ? (existsSync(sysfs) ? "" : "this kernel has no KSM") : "needs root";
const program = join(import.meta.dirname, "../../packages/ksm/build/test/memory-guest");
const config = { ...defaultConfig, guests: { ...defaultConfig.guests, directories: ["/guests/*"] } };

function read(name: string): string {
  return readFileSync(join(sysfs, name), "utf8").trim();
}

function isMerging(pid: number): boolean {
  return readFileSync(`/proc/${pid}/ksm_stat`, "utf8").includes("ksm_merge_any: yes");
}

/** Starts a process with the guest's root as its own and waits until its memory is filled. */
async function startIn(root: string, equalMb: number, stack: AsyncDisposableStack, before: readonly string[] = []): Promise<number> {
  mkdirSync(root, { recursive: true });
  if (!existsSync(join(root, "guest"))) copyFileSync(program, join(root, "guest"));
  const [command, ...words] = [...before, "chroot", root, "/guest", String(equalMb), "0", "10"];
  const child = spawn(command, words, { stdio: ["pipe", "pipe", "inherit"] });
  stack.defer(async () => {
    const ended = once(child, "exit");
    child.kill("SIGKILL");
    await ended;
  });
  await once(child.stdout, "data"); // `ready`
  return child.pid ?? 0;
}

function guestRoot(fleet: TestFleet, host: string, guest: string): string {
  return join(fleet.dir, `${host}-root/guests`, guest);
}

describe.skipIf(whyNot !== "")(`KSM as a rollout${whyNot && ` (skipped: ${whyNot})`}`, () => {
  test("merges the memory of a host's guests, and its rollback leaves every knob as before", async () => {
    const before = knobs.map(read);
    await using fleet = await startFleet();
    await using guests = new AsyncDisposableStack();
    for (const name of ["a", "b"]) await startIn(guestRoot(fleet, "h1", name), 40, guests);
    await fleet.addAgent("h1", { config });

    const { id } = await fleet.api.rollouts.create({ operation: { kind: "ksm-tune" } });
    expect(await fleet.until(id, isOver, 90_000)).toMatchObject({ state: "completed", hosts: { succeeded: 1 } });
    // 40 MB of each are equal: one copy of them is saved.
    expect(Number(read("pages_sharing"))).toBeGreaterThan(40 * 256 * 0.95);
    const { hosts } = await fleet.api.rollouts.report(id);
    expect(hosts[0]?.result).toMatchObject({ processes: { verified: 2 } });

    // A guest's new process is opted in by itself, and its 40 MB find the kept copy.
    await startIn(guestRoot(fleet, "h1", "a"), 40, guests);
    await expect.poll(() => Number(read("pages_sharing")), { timeout: 90_000, interval: 250 }).toBeGreaterThan(2 * 40 * 256 * 0.95);

    const { id: back } = await fleet.api.rollouts.rollback(id);
    expect(await fleet.until(back, isOver, 90_000)).toMatchObject({ state: "completed", hosts: { succeeded: 1 } });
    expect(read("pages_shared")).toBe("0");
    expect(knobs.map(read)).toEqual(before);
  });

  test.skipIf(!existsSync("/usr/bin/strace"))("a guest of another domain that keeps itself in is merged with nobody, and the operator is told who it is", async () => {
    const before = knobs.map(read);
    await using fleet = await startFleet();
    await using guests = new AsyncDisposableStack();
    const web = await startIn(guestRoot(fleet, "h1", "web"), 10, guests);
    // Traced by one of its own, nobody else can hold it; opted in before.
    await startIn(guestRoot(fleet, "h1", "db"), 10, guests, [join(program, "../../ksm-exec"), "strace", "--output=/dev/null"]);
    const domains = [{ match: "dir/guests/db", domain: "db" }, { match: "*", domain: "web" }];
    await fleet.addAgent("h1", { config: { ...config, guests: { ...config.guests, domains } } });
    const { id } = await fleet.api.rollouts.create({ operation: { kind: "ksm-tune", ksm: { domain: "web" } } });
    expect(await fleet.until(id, isOver, 90_000)).toMatchObject({ state: "failed", hosts: { failed: 1 } });
    expect((await fleet.api.rollouts.report(id)).hosts[0]?.error).toMatchObject({ code: "ksm-intruder", message: expect.stringContaining("dir/guests/db") });
    expect(isMerging(web)).toBe(false);
    expect(knobs.map(read)).toEqual(before);
  });

  test("a policy names hosts by selector, guests by domain, and waits for the window; the next domain puts the last one out", async () => {
    const before = knobs.map(read);
    await using fleet = await startFleet();
    await using guests = new AsyncDisposableStack();
    const [web, db] = [await startIn(guestRoot(fleet, "h1", "web"), 10, guests), await startIn(guestRoot(fleet, "h1", "db"), 10, guests)];
    const domains = [{ match: "dir/guests/db", domain: "db" }, { match: "*", domain: "web" }];
    await fleet.addAgent("h1", { config: { ...config, guests: { ...config.guests, domains } }, labels: { env: "prod" } });
    await fleet.addAgent("t1", { config, labels: { env: "test" } });
    const tune = async (ksm: { domain?: string; cpuPercent?: number; zeroPages?: boolean }) => fleet.api.rollouts.create({ operation: { kind: "ksm-tune", ksm }, selector: "env=prod" });

    // Two domains at once are refused: the kernel would merge them with each other.
    const { id: both } = await tune({});
    expect(await fleet.until(both, isOver, 60_000)).toMatchObject({ state: "failed", hosts: { failed: 1 } });
    expect((await fleet.api.rollouts.report(both)).hosts[0]?.error).toMatchObject({ code: "ksm-domains" });
    expect([isMerging(web), isMerging(db)]).toEqual([false, false]);

    await fleet.api.windows.putBlackout({ name: "freeze", selector: "env=prod", zone: "UTC", from: "2000-01-01", to: "2199-12-31" });
    const { id } = await tune({ domain: "web", cpuPercent: 50, zeroPages: true });
    expect((await fleet.until(id, ({ explanations }) => explanations.length > 0)).explanations.join("\n")).toContain("1 host waits for its window: ");
    expect([isMerging(web), isMerging(db)]).toEqual([false, false]);
    await fleet.api.windows.removeBlackout("freeze");
    expect(await fleet.until(id, isOver, 90_000)).toMatchObject({ state: "completed", hosts: { succeeded: 1 } });
    expect([isMerging(web), isMerging(db)]).toEqual([true, false]);
    expect(read("use_zero_pages")).toBe("1");

    const { id: next } = await tune({ domain: "db" });
    expect(await fleet.until(next, isOver, 90_000)).toMatchObject({ state: "completed", hosts: { succeeded: 1 } });
    expect([isMerging(web), isMerging(db)]).toEqual([false, true]);

    const { id: back } = await fleet.api.rollouts.rollback(next);
    expect(await fleet.until(back, isOver, 90_000)).toMatchObject({ state: "completed", hosts: { succeeded: 1 } });
    expect([isMerging(web), isMerging(db)]).toEqual([false, false]);
    expect(knobs.map(read)).toEqual(before);
  });
});
