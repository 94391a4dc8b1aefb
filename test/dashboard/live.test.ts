import { existsSync } from "node:fs";
import { mkdir, rename, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { dashboardDirectory } from "@samepage/dashboard";
import { defaultConfig } from "@samepage/agent";
import { isOver, startFleet } from "@samepage/test-e2e";
import { loopFsSkipReason, openLoopFs } from "@samepage/test-support";
import { afterEach, describe, expect, test, vi } from "vitest";
import { accessibilityBreaches, browserSkipReason, screenshot, withBrowser } from "./browser.ts";

const needs = [browserSkipReason, loopFsSkipReason("ext4"), existsSync("/usr/bin/redis-server") ? undefined : "redis-server is not installed", existsSync(join(dashboardDirectory, "index.html")) ? undefined : "the page is not built"];
const skipReason = needs.find((reason) => reason !== undefined);

/** Whole blocks, so that a copy takes just this on disk. */
const equalBytes = 256 * 4096;

afterEach(() => {
  vi.unstubAllEnvs();
});

describe.skipIf(skipReason !== undefined)(`the page while a fleet works${skipReason === undefined ? "" : ` (skipped: ${skipReason})`}`, () => {
  test("a rollout is seen live, paused and resumed with confirmation, and its saving shows in the overview", async () => {
    // On a file system of their own, so that what is freed is known and no pool stays behind on this machine's.
    await using disk = await openLoopFs("ext4", 256);
    vi.stubEnv("TMPDIR", disk.mount);
    await using fleet = await startFleet({ pageDirectory: dashboardDirectory });
    const hosts = ["host-a", "host-b", "host-c"];
    const config = { ...defaultConfig, guests: { ...defaultConfig.guests, directories: ["/guests/*"] } };
    for (const host of hosts) {
      for (const guest of ["a", "b"]) {
        const root = join(fleet.dir, `${host}-root/guests/${guest}`);
        await mkdir(root, { recursive: true });
        await writeFile(join(root, "equal"), Buffer.alloc(equalBytes, 7));
        await utimes(join(root, "equal"), 1_000_000_000, 1_000_000_000);
      }
      await fleet.addAgent(host, { config, labels: { env: "test" } });
    }
    await withBrowser({ width: 1280, height: 800, colorScheme: "light" }, async (page) => {
      await page.goto(fleet.controller.address.api);
      await page.getByLabel("Operator token").fill(fleet.controller.adminToken);
      await page.keyboard.press("Enter");
      await page.getByRole("link", { name: "Hosts", exact: true }).click();
      for (const host of hosts) await page.getByRole("row", { name: new RegExp(`${host}.*online`, "u") }).waitFor();
      await page.getByLabel("Search hosts").fill("host-b env=test");
      await page.getByText("1 of 3").waitFor();

      await page.getByRole("link", { name: "Rollouts", exact: true }).click();
      // The wait after the canary leaves time to press the button, however slow the machine.
      const rollout = await fleet.api.rollouts.create({ operation: { kind: "unify", settings: { strategy: "hardlink", guard: "none" } }, canary: "1", concurrency: 1, soakSeconds: 20 });
      await page.getByRole("link", { name: rollout.name }).click();
      await page.getByRole("button", { name: "Pause" }).click();
      await screenshot(page, "live-question");
      await page.getByRole("dialog").getByRole("button", { name: "Pause" }).click();
      await page.getByText("paused", { exact: true }).first().waitFor();
      expect((await fleet.api.rollouts.get(rollout.id)).state).toBe("paused");
      await page.getByRole("button", { name: "Resume" }).click();
      await page.getByRole("dialog").getByRole("button", { name: "Resume" }).click();
      await page.getByText("completed", { exact: true }).first().waitFor({ timeout: 90_000 });
      await page.getByText("3 of 3 hosts").waitFor();
      expect(await accessibilityBreaches(page)).toEqual([]);
      await screenshot(page, "live-completed");

      await page.getByRole("link", { name: "Overview", exact: true }).click();
      // The hosts share one file system and so one pool: the first frees one copy of its two, the others both of theirs.
      await page.getByText("5.24 MB").waitFor();
      await screenshot(page, "live-overview");

      const published = await fleet.api.templates.publish({ name: "base", version: "1", host: "host-a", path: "/guests/a" });
      expect((await fleet.until(published.id, isOver)).hosts.succeeded).toBe(1);
      await writeFile(join(fleet.dir, "host-b-root/guests/b/equal.new"), "other bytes");
      await rename(join(fleet.dir, "host-b-root/guests/b/equal.new"), join(fleet.dir, "host-b-root/guests/b/equal"));
      await fleet.until((await fleet.api.drift.compare({ name: "base" })).id, isOver);
      await page.getByRole("link", { name: "Drift", exact: true }).click();
      await page.getByText("1 modified", { exact: true }).waitFor();
      await page.getByText("1 guest: modified /equal").waitFor();
      expect(await accessibilityBreaches(page)).toEqual([]);
      await screenshot(page, "live-drift");
      await page.getByRole("link", { name: "base", exact: true }).click();
      await page.getByText("6 of 6").waitFor();
      await page.getByRole("row", { name: /b host-b 1 modified .*modified \/equal/u }).waitFor();
      expect(await accessibilityBreaches(page)).toEqual([]);
      await screenshot(page, "live-drift-guests");

      await fleet.api.windows.put({ name: "nightly", selector: "env=test", schedule: "02:00", zone: "Europe/Berlin", durationSeconds: 7200 });
      await fleet.api.windows.putBlackout({ name: "holidays", selector: "all", zone: "host", from: "2099-12-24", to: "2099-12-26" });
      await page.getByRole("link", { name: "Windows", exact: true }).click();
      await page.getByText("Every host has a window.").waitFor();
      // Fourteen days from now on hold thirteen openings at least, whatever the time of day.
      expect(await page.locator(".opening", { hasText: "3 hosts" }).count()).toBeGreaterThanOrEqual(13);
      await page.getByRole("row", { name: /nightly.*02:00 (?:CET|CEST|GMT\+\d)/u }).first().waitFor();
      await page.getByRole("row", { name: /holidays.*2099-12-24 to 2099-12-26/u }).waitFor();
      expect(await accessibilityBreaches(page)).toEqual([]);
      await screenshot(page, "live-windows");
      await page.setViewportSize({ width: 390, height: 844 });
      expect(await page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")).toBe(true);
      await screenshot(page, "live-windows-phone");
      await page.setViewportSize({ width: 1280, height: 800 });
      await page.goto(`${fleet.controller.address.api}/#/hosts/host-a`);
      await page.getByText("by window nightly").first().waitFor();
      expect(await accessibilityBreaches(page)).toEqual([]);
    });
  });
});
