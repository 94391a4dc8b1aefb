import { mkdir, writeFile } from "node:fs/promises";
import { availableParallelism, loadavg } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { dashboardDirectory } from "@samepage/dashboard";
import { startFleet } from "@samepage/test-e2e";
import type { Locator, Page } from "playwright-core";
import { withBrowser } from "./browser.ts";
import { simulatedName, simulateHosts } from "./simulated-hosts.ts";

/**
 * `npm run bench:page`: the dashboard of a fleet of simulated hosts, in a real browser: how long until the first view of every page
 * that lists hosts or guests stands, and how long the longest frame takes while nothing happens and while a rollout over all of them
 * is watched. Writes docs/benchmarks/page.json and page.md; about 2 minutes.
 */
const { values } = parseArgs({
  options: { hosts: { type: "string", default: "10000" }, seconds: { type: "string", default: "10" }, output: { type: "string", default: join(import.meta.dirname, "../../docs/benchmarks") } },
});
const count = Number(values.hosts);
const seconds = Number(values.seconds);
/** Guests on each host, and hosts that work at once in the rollout: some 1,800 events a second. */
const guestsEach = 5;
const atOnce = 1000;
const all = count.toLocaleString("en");
const allGuests = (count * guestsEach).toLocaleString("en");

/** What is promised. */
const limits = { firstViewMs: 1000, frameMs: 100 } as const;

/** Loads of each page whose median is told. */
const loads = 5;

/** What the overview says once the whole fleet is counted. */
const ofAll = new RegExp(`^[\\d,]+ of ${all}$`, "u");

const untilFrame = "new Promise((resolve) => requestAnimationFrame(() => resolve(performance.now())))";

const say = (line: string) => process.stderr.write(`${line}\n`);
const [loadBefore = 0] = loadavg();
await using fleet = await startFleet({ pageDirectory: dashboardDirectory });
await using hosts = await simulateHosts(fleet.redis.url, count, guestsEach);
const measured = await measure();
const kept = { firstView: measured.firstViews.every(({ medianMs }) => medianMs <= limits.firstViewMs), frames: measured.frames.every(({ longestMs }) => longestMs <= limits.frameMs) };
await mkdir(values.output, { recursive: true });
await writeFile(join(values.output, "page.json"), `${JSON.stringify({ hosts: count, guests: count * guestsEach, loadBefore, cores: availableParallelism(), ...measured, limits, kept }, undefined, 2)}\n`);
await writeFile(join(values.output, "page.md"), render(measured));
process.stdout.write(render(measured));
process.exitCode = kept.firstView && kept.frames ? 0 : 1;

interface FirstView {
  readonly page: string;
  /** From the reload's start to the frame that shows the page's figures or first rows. */
  readonly medianMs: number;
  readonly loadsMs: readonly number[];
  /** From there to the whole list, where there is one; the last load's. */
  readonly completeMs: number | null;
}

interface Frames {
  readonly page: string;
  /** What went on meanwhile. */
  readonly during: "nothing" | "rollout";
  readonly frames: number;
  readonly longestMs: number;
  /** 99th percentile. */
  readonly p99Ms: number;
}

interface Measured {
  readonly firstViews: readonly FirstView[];
  readonly frames: readonly Frames[];
}

async function measure(): Promise<Measured> {
  let result: Measured | undefined;
  await withBrowser({ width: 1280, height: 800, colorScheme: "light" }, async (page) => {
    await page.goto(fleet.controller.address.api);
    await page.getByLabel("Operator token").fill(fleet.controller.adminToken);
    await page.keyboard.press("Enter");
    await page.getByText(ofAll).waitFor();
    const firstRow = page.getByRole("row", { name: `${simulatedName(0)} ` }).first();
    const lists = { page, ready: firstRow, complete: page.getByText(`${all} of ${all}`, { exact: true }) };
    const firstViews = [
      await firstView("overview", "#/overview", { page, ready: page.getByText(ofAll) }),
      await firstView("hosts", "#/hosts", lists),
      await firstView("guests", "#/guests", { page, complete: page.getByText(`${allGuests} of ${allGuests}`, { exact: true }), ready: page.getByRole("cell", { name: simulatedName(0), exact: true }).first() }),
    ];
    const frames = [await watch(page, "hosts, scrolled", "#/hosts", "nothing")];
    const rollout = await fleet.api.rollouts.create({ operation: { kind: "unify" }, canary: "0", concurrency: 1, failureBudget: "100%" });
    await using _ = hosts.work(rollout.id, atOnce);
    firstViews.push(await firstView("rollout over all", `#/rollouts/${rollout.id}`, { page, ready: page.getByRole("heading", { level: 1, name: rollout.name }) }));
    frames.push(await watch(page, "rollout over all, scrolled", `#/rollouts/${rollout.id}`, "rollout"));
    frames.push(await watch(page, "overview", "#/overview", "rollout"));
    frames.push(await watch(page, "hosts, scrolled", "#/hosts", "rollout"));
    frames.push(await watch(page, "guests, scrolled", "#/guests", "rollout"));
    result = { firstViews, frames };
  });
  if (result === undefined) throw new Error("nothing was measured");
  return result;
}

async function firstView(name: string, hash: string, { page, ready, complete }: { readonly page: Page; readonly ready: Locator; readonly complete?: Locator }): Promise<FirstView> {
  await page.goto(`${fleet.controller.address.api}/${hash}`);
  const loadsMs: number[] = [];
  let completeMs: number | null = null;
  for (let load = 0; load < loads; load += 1) {
    await page.reload({ waitUntil: "commit" });
    await ready.waitFor();
    const readyMs = await page.evaluate<number>(untilFrame);
    loadsMs.push(readyMs);
    if (complete === undefined) continue;
    await complete.waitFor();
    completeMs = (await page.evaluate<number>(untilFrame)) - readyMs;
  }
  const medianMs = loadsMs.toSorted((a, b) => a - b)[Math.floor(loads / 2)] ?? Number.NaN;
  say(`${name}: first view ${loadsMs.map((ms) => Math.round(ms)).join(", ")} ms${completeMs === null ? "" : `, whole list ${Math.round(completeMs)} ms later`}`);
  return { page: name, medianMs, loadsMs, completeMs };
}

/** Gaps between animation frames from when the page is opened: reading its lists counts. It is scrolled where it has a long table. */
async function watch(page: Page, name: string, hash: string, during: Frames["during"]): Promise<Frames> {
  await page.evaluate(`location.hash = ${JSON.stringify(hash)}`);
  const measured = await page.evaluate<Omit<Frames, "page" | "during">>(watchFrames(seconds * 1000));
  say(`${name}, ${during}: longest frame ${Math.round(measured.longestMs)} ms, p99 ${Math.round(measured.p99Ms)} ms of ${measured.frames}`);
  return { page: name, during, ...measured };
}

/** Runs in the browser, hence as text: this program knows no document. */
function watchFrames(ms: number): string {
  return `new Promise((resolve) => {
    const begun = performance.now();
    const gaps = [];
    let last = begun;
    const frame = (now) => {
      gaps.push(now - last);
      last = now;
      const table = document.querySelector(".viewport");
      if (table !== null) table.scrollTop = (table.scrollTop + 40) % Math.max(1, table.scrollHeight - table.clientHeight);
      if (now - begun < ${ms}) return void requestAnimationFrame(frame);
      gaps.sort((a, b) => a - b);
      resolve({ frames: gaps.length, longestMs: gaps.at(-1), p99Ms: gaps[Math.floor(gaps.length * 0.99)] });
    };
    requestAnimationFrame(frame);
  })`;
}

function render({ firstViews, frames }: Measured): string {
  const met = (is: boolean) => (is ? "met" : "**not met**");
  return `# The dashboard of a large fleet

\`npm run bench:page\`: the records of ${all} simulated hosts with ${guestsEach} guests each, one controller over its Redis, and Debian's Chromium, headless and without a graphics card, all on one machine with ${availableParallelism()} cores. During the rollout ${atOnce.toLocaleString("en")} hosts are at work at once, and what they would say is pushed through the controller's stream. The figures of this page are in [page.json](page.json).

First view: from a reload to the frame that shows the page's figures or its first rows, median of ${loads} loads. Limit: ${limits.firstViewMs} ms.

| page | first view | of | whole list after that | |
|---|---:|---|---:|---|
${firstViews.map(({ page, medianMs, loadsMs, completeMs }) => `| ${page} | ${Math.round(medianMs)} ms | ${loadsMs.map((ms) => Math.round(ms)).join(", ")} | ${completeMs === null ? "" : `${Math.round(completeMs)} ms`} | ${met(medianMs <= limits.firstViewMs)} |`).join("\n")}

Longest gap between two animation frames in ${seconds} s, from when the page is opened, so that reading its lists counts; once with nothing going on, which is the machine's own noise, and during a rollout over all hosts. Limit: ${limits.frameMs} ms.

| page | meanwhile | longest frame | 99th percentile | frames | |
|---|---|---:|---:|---:|---|
${frames.map(({ page, during, longestMs, p99Ms, frames: shown }) => `| ${page} | ${during} | ${Math.round(longestMs)} ms | ${Math.round(p99Ms)} ms | ${shown} | ${met(longestMs <= limits.frameMs)} |`).join("\n")}

Load of the machine before: ${loadBefore.toFixed(1)}.
`;
}
