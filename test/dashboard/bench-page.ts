import { mkdir, writeFile } from "node:fs/promises";
import { loadavg } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { dashboardDirectory } from "@samepage/dashboard";
import { startFleet } from "@samepage/test-e2e";
import { hostNames, startSimulator } from "@samepage/test-load";
import type { Page } from "playwright-core";
import { withBrowser } from "./browser.ts";

/**
 * `npm run bench:page`: the dashboard of a fleet of simulated agents, in a real browser: how long until the first view stands, and
 * how long the longest frame takes while a rollout over all of them is watched. Writes docs/benchmarks/page.json and page.md.
 */
const { values } = parseArgs({
  options: { agents: { type: "string", default: "10000" }, seconds: { type: "string", default: "20" }, output: { type: "string", default: join(import.meta.dirname, "../../docs/benchmarks") } },
});
const agents = Number(values.agents);
const seconds = Number(values.seconds);

/** What is promised. */
const limits = { firstViewMs: 1000, frameMs: 100 } as const;

/** Loads of the page whose median is told. */
const loads = 5;

const say = (line: string) => process.stderr.write(`${line}\n`);
const [loadBefore = 0] = loadavg();
await using fleet = await startFleet({ pageDirectory: dashboardDirectory, acceptsPerSecond: 1000 });
say(`starting ${agents} agents`);
const processes = 2;
const simulators = await Promise.all(
  Array.from({ length: processes }, async (_, index) => {
    const first = Math.floor((index * agents) / processes);
    const hosts = hostNames(first, Math.floor(((index + 1) * agents) / processes) - first);
    return startSimulator(fleet.api, { dir: join(fleet.dir, `simulator-${index}`), hosts, milliseconds: [1000, 10_000], failing: 0.02, restarting: 0 });
  }),
);
try {
  say("all are connected");
  const measured = await measure();
  const kept = { firstView: measured.firstViewMs <= limits.firstViewMs, frames: measured.frames.every(({ longestMs }) => longestMs <= limits.frameMs) };
  await mkdir(values.output, { recursive: true });
  await writeFile(join(values.output, "page.json"), `${JSON.stringify({ agents, loadBefore, ...measured, limits, kept }, undefined, 2)}\n`);
  await writeFile(join(values.output, "page.md"), render(measured, kept));
  process.stdout.write(render(measured, kept));
} finally {
  await Promise.all(simulators.map(async (simulator) => simulator.kill()));
}

interface Frames {
  readonly page: string;
  readonly frames: number;
  readonly longestMs: number;
}

interface Measured {
  readonly firstViewMs: number;
  readonly firstViews: readonly number[];
  readonly frames: readonly Frames[];
}

async function measure(): Promise<Measured> {
  let result: Measured | undefined;
  await withBrowser({ width: 1280, height: 800, colorScheme: "light" }, async (page) => {
    await page.goto(fleet.controller.address.api);
    await page.getByLabel("Operator token").fill(fleet.controller.adminToken);
    await page.keyboard.press("Enter");
    await page.getByText(ofAll).waitFor();
    const firstViews: number[] = [];
    for (let load = 0; load < loads; load += 1) firstViews.push(await firstView(page));
    say(`first view: ${firstViews.map((ms) => `${Math.round(ms)} ms`).join(", ")}`);
    const rollout = await fleet.api.rollouts.create({ operation: { kind: "unify" }, canary: "0", concurrency: 1000, failureBudget: "100%" });
    const frames: Frames[] = [];
    await page.goto(`${fleet.controller.address.api}/#/rollouts/${rollout.id}`);
    await page.getByRole("heading", { level: 1, name: rollout.name }).waitFor();
    frames.push(await watch(page, "rollout"));
    await page.getByRole("link", { name: "Hosts", exact: true }).click();
    await page.getByRole("row", { name: "load-0" }).first().waitFor();
    frames.push(await watch(page, "hosts, scrolling"));
    for (const { page: name, longestMs } of frames) say(`${name}: longest frame ${Math.round(longestMs)} ms`);
    result = { firstViewMs: firstViews.toSorted((a, b) => a - b)[Math.floor(loads / 2)] ?? Number.NaN, firstViews, frames };
  });
  if (result === undefined) throw new Error("nothing was measured");
  return result;
}

/** What the overview says once the whole fleet is read. */
const ofAll = new RegExp(`^[\\d,]+ of ${agents.toLocaleString("en")}$`, "u");

/** Milliseconds from the reload's start to the frame after the overview shows every host. */
async function firstView(page: Page): Promise<number> {
  await page.reload({ waitUntil: "commit" });
  await page.getByText(ofAll).waitFor();
  return page.evaluate<number>("new Promise((resolve) => requestAnimationFrame(() => resolve(performance.now())))");
}

/** Gaps between animation frames while the page is watched, and scrolled where it has a long table. */
async function watch(page: Page, name: string): Promise<Frames> {
  const { frames, longestMs } = await page.evaluate<{ readonly frames: number; readonly longestMs: number }>(watchFrames(seconds * 1000));
  return { page: name, frames, longestMs };
}

/** Runs in the browser, hence as text: this program knows no document. */
function watchFrames(ms: number): string {
  return `new Promise((resolve) => {
    const table = document.querySelector(".viewport");
    const begun = performance.now();
    let last = begun, longestMs = 0, frames = 0;
    const frame = (now) => {
      longestMs = Math.max(longestMs, now - last);
      last = now;
      frames += 1;
      if (table !== null) table.scrollTop = (table.scrollTop + 40) % Math.max(1, table.scrollHeight - table.clientHeight);
      if (now - begun < ${ms}) requestAnimationFrame(frame);
      else resolve({ frames, longestMs });
    };
    requestAnimationFrame(frame);
  })`;
}

function render({ firstViewMs, firstViews, frames }: Measured, kept: { readonly firstView: boolean; readonly frames: boolean }): string {
  const met = (is: boolean) => (is ? "met" : "**not met**");
  return `# The dashboard of a large fleet

\`npm run bench:page\`: ${agents.toLocaleString("en")} simulated agents (real streams over mutual TLS, simulated work), one controller and Debian's Chromium, headless, all on one machine. The figures of this page are in [page.json](page.json).

| | limit | measured | |
|---|---|---|---|
| first view: from a reload to the overview with every host, median of ${firstViews.length} | ${limits.firstViewMs} ms | ${Math.round(firstViewMs)} ms | ${met(kept.firstView)} |
${frames.map(({ page, frames: count, longestMs }) => `| longest frame in ${seconds} s of a rollout over all of them, page “${page}” (${count} frames) | ${limits.frameMs} ms | ${Math.round(longestMs)} ms | ${met(longestMs <= limits.frameMs)} |`).join("\n")}

Load of the machine before: ${loadBefore.toFixed(1)}.
`;
}
