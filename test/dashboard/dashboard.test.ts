import { existsSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { createController, type Controller } from "@samepage/controller";
import { createApiClient } from "@samepage/controller/api";
import { dashboardDirectory } from "@samepage/dashboard";
import { startRedis, temporaryDirectory, type TemporaryDirectory, type TestRedis } from "@samepage/test-support";
import { pino } from "pino";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { accessibilityBreaches, browserSkipReason, screenshot, withBrowser } from "./browser.ts";
import { simulateHosts } from "./simulated-hosts.ts";

const missing = existsSync(join(dashboardDirectory, "index.html")) ? undefined : "the page is not built: npm run build";
const redisMissing = existsSync("/usr/bin/redis-server") ? undefined : "redis-server is not installed";
const skipReason = redisMissing ?? browserSkipReason ?? missing;

/** The page's whole weight that an operator on a slow line waits for. */
const budgetBytes = 150_000;

test.skipIf(missing !== undefined)("the page weighs under 150 kB gzipped, and names no address of another machine", async () => {
  const entries = await readdir(dashboardDirectory, { recursive: true, withFileTypes: true });
  const bodies = await Promise.all(entries.filter((entry) => entry.isFile()).map(async (entry) => readFile(join(entry.parentPath, entry.name))));
  expect(bodies.reduce((sum, body) => sum + gzipSync(body).length, 0)).toBeLessThan(budgetBytes);
  const addresses = bodies.flatMap((body) => body.toString("utf8").match(/https?:\/\/[^\s"'`)]+/gu) ?? []);
  // Names of XML vocabularies are never fetched.
  expect(addresses.filter((address) => !address.startsWith("http://www.w3.org/"))).toEqual([]);
});

describe.skipIf(skipReason !== undefined)(`the page in a browser${skipReason === undefined ? "" : ` (skipped: ${skipReason})`}`, () => {
  let redis: TestRedis;
  let directory: TemporaryDirectory;
  let controller: Controller;
  let viewer: string;
  beforeAll(async () => {
    directory = await temporaryDirectory("samepage-dashboard-");
    redis = await startRedis(directory.path);
    controller = await createController({ stateDir: directory.path, redis: redis.url, agentListen: "127.0.0.1:0", apiListen: "127.0.0.1:0", pageDirectory: dashboardDirectory, logger: pino({ level: "silent" }) });
    const api = createApiClient({ url: controller.address.api, token: controller.adminToken, ca: controller.ca });
    viewer = (await api.tokens.create({ kind: "operator", name: "vera", role: "viewer" })).secret;
  });
  afterAll(async () => {
    await controller.close();
    await redis[Symbol.asyncDispose]();
    await directory[Symbol.asyncDispose]();
  });

  const logIn = async (page: Page, token: string) => {
    await page.goto(controller.address.api);
    await page.getByLabel("Operator token").fill(token);
    await page.keyboard.press("Enter");
  };

  test("a wrong token is refused with the reason, and nothing of the fleet is shown", async () => {
    await withBrowser({ width: 1280, height: 800, colorScheme: "light" }, async (page) => {
      await logIn(page, "spo_wrong");
      await page.getByRole("alert").waitFor();
      expect(await page.getByRole("alert").textContent()).toMatch(/not known, or it has expired/u);
      expect(await page.getByRole("navigation").count()).toBe(0);
    });
  });

  test.each([
    { name: "desk-light", width: 1280, height: 800, colorScheme: "light" },
    { name: "desk-dark", width: 1280, height: 800, colorScheme: "dark" },
    { name: "phone", width: 390, height: 844, colorScheme: "light" },
  ] as const)("$name: every page opens, fits the screen and passes axe", async (settings) => {
    await withBrowser(settings, async (page) => {
      const errors: string[] = [];
      page.on("pageerror", (error) => errors.push(error.message));
      page.on("console", (message) => message.type() === "error" && errors.push(message.text()));
      await logIn(page, viewer);
      for (const section of ["Overview", "Hosts", "Guests", "Rollouts", "Windows", "Templates", "Drift", "Audit"]) {
        await page.getByRole("link", { name: section, exact: true }).click();
        await page.getByRole("heading", { level: 1, name: section }).waitFor();
        await page.getByText("live", { exact: true }).waitFor();
        await screenshot(page, `${settings.name}-${section.toLowerCase()}`);
        expect(await accessibilityBreaches(page)).toEqual([]);
        expect(await page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")).toBe(true);
      }
      expect(errors).toEqual([]);
    });
  });

  test("the keyboard alone reaches every section", async () => {
    await withBrowser({ width: 1280, height: 800, colorScheme: "light" }, async (page) => {
      await logIn(page, viewer);
      await page.getByRole("heading", { level: 1, name: "Overview" }).waitFor();
      const reached: string[] = [];
      for (let press = 0; press < 15; press += 1) {
        await page.keyboard.press("Tab");
        reached.push(String(await page.evaluate("document.activeElement.textContent")));
      }
      expect(reached).toEqual(expect.arrayContaining(["Overview", "Hosts", "Guests", "Rollouts", "Windows", "Templates", "Drift", "Audit", "Log out"]));
    });
  });

  test("lists longer than one answer are read page by page, every entry once", async () => {
    await using _ = await simulateHosts(redis.url, 250, 3);
    await withBrowser({ width: 1280, height: 800, colorScheme: "light" }, async (page) => {
      await logIn(page, viewer);
      await page.getByText("250 of 250", { exact: true }).waitFor();
      await page.getByRole("link", { name: "Hosts", exact: true }).click();
      await page.getByText("250 of 250", { exact: true }).waitFor();
      await page.getByLabel("Search hosts").fill("load-249");
      await page.getByRole("row", { name: /load-249.*online/u }).waitFor();
      await page.getByRole("link", { name: "Guests", exact: true }).click();
      await page.getByText("750 of 750", { exact: true }).waitFor();
      await page.getByLabel("Search guests").fill("load-249 web-2");
      await page.getByText("1 of 750", { exact: true }).waitFor();
      expect(await page.getByRole("row", { name: /web-2/u }).count()).toBe(1);
    });
  });

  test("the session ends with the tab's log-out, and the page asks for a token again", async () => {
    await withBrowser({ width: 1280, height: 800, colorScheme: "light" }, async (page) => {
      await logIn(page, viewer);
      await page.getByRole("button", { name: "Log out" }).click();
      await page.getByLabel("Operator token").waitFor();
      expect(await page.evaluate("sessionStorage.length")).toBe(0);
    });
  });
});
