import { createRequire } from "node:module";
import { existsSync } from "node:fs";
import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { temporaryDirectory } from "@samepage/test-support";
import { type BrowserContext, chromium, type Page } from "playwright-core";

const chromiumPath = "/usr/bin/chromium";

/** Why the page cannot be tried here; undefined when it can. */
export const browserSkipReason = existsSync(chromiumPath) ? undefined : "chromium is not installed";

/** Keeps a browser without a network from looking up its maker's hosts. */
const quiet = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];

/** Debian's Chromium, or a program that starts it elsewhere, headless, with a profile of its own. */
export async function withBrowser(settings: { readonly width: number; readonly height: number; readonly colorScheme: "light" | "dark"; readonly executablePath?: string }, body: (page: Page, context: BrowserContext) => Promise<void>): Promise<void> {
  await using profile = await temporaryDirectory("samepage-browser-");
  const { width, height, colorScheme, executablePath = chromiumPath } = settings;
  const context = await chromium.launchPersistentContext(profile.path, { executablePath, headless: true, args: quiet, ignoreHTTPSErrors: true, viewport: { width, height }, colorScheme });
  try {
    await body(context.pages()[0] ?? (await context.newPage()), context);
  } finally {
    await context.close();
  }
}

/** Breaches of WCAG 2.2 A and AA that axe finds on the page as it stands: rule and element. */
export async function accessibilityBreaches(page: Page): Promise<readonly string[]> {
  const axe = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
  await page.evaluate(axe);
  return page.evaluate(async () => {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- put there by the script above
    const { axe: runner } = globalThis as unknown as { axe: { run(options: object): Promise<{ violations: { id: string; nodes: { html: string }[] }[] }> } };
    const { violations } = await runner.run({ runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"] });
    return violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html}`));
  });
}

/** Pictures of a run stay beside the cache, outside git: `.cache/screenshots`. */
export async function screenshot(page: Page, name: string): Promise<void> {
  const directory = join(import.meta.dirname, "../../.cache/screenshots");
  await mkdir(directory, { recursive: true });
  await page.screenshot({ path: join(directory, `${name}.png`) });
}
