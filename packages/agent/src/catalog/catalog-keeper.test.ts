import { createHash, generateKeyPairSync, type KeyObject } from "node:crypto";
import { type PublishedCatalog, prefixesOf, publishCatalog } from "@samepage/catalog";
import type { ReportCatalogRequest } from "@samepage/proto";
import { temporaryDirectory } from "@samepage/test-support";
import { pino } from "pino";
import { expect, onTestFinished, test, vi } from "vitest";
import type { CatalogCalls } from "./catalog-calls.ts";
import { createCatalogKeeper } from "./catalog-keeper.ts";
import { nextFetchMs } from "./next-fetch.ts";

const digestOf = (at: number) => createHash("sha256").update(String(at)).digest();
const listsOf = (count: number) => ({ prefixes: prefixesOf(Array.from({ length: count }, (_, at) => digestOf(at))), sizes: [count] });
const blue = new Set(["blue"]);
const { signal } = new AbortController();

/** A controller that answers as it is told, and remembers what agents report. */
class Controller {
  readonly key = generateKeyPairSync("ed25519");
  readonly segments = new Map<string, Buffer>();
  readonly reports: ReportCatalogRequest[] = [];
  away = false;
  signed: Buffer = Buffer.alloc(0);
  #last: PublishedCatalog | undefined;

  /** @param key another than the controller's own: somebody who is not to be believed */
  publish(count: number, key: KeyObject = this.key.privateKey): Buffer {
    const publication = publishCatalog(this.#last, listsOf(count), { domain: "blue", key, now: 0 });
    if (publication === undefined) throw new Error("nothing changed");
    this.#last = publication;
    this.segments.set(publication.segment.name, publication.segment.bytes);
    this.signed = publication.signed;
    return publication.signed;
  }

  calls(): CatalogCalls {
    const refuse = async () => Promise.reject(new Error("not asked for in these tests"));
    return {
      beginUpload: refuse, putFrame: refuse, endUpload: refuse, readTemplate: refuse, wantContent: refuse, readContent: refuse, putContent: refuse, putUncovered: refuse,
      getCatalog: async () => {
        if (this.away) throw new Error("away");
        return { manifest: this.signed, keys: [this.key.publicKey.export({ type: "spki", format: "der" })] };
      },
      readSegment: async (_, name, part) => {
        const bytes = this.segments.get(name) ?? Buffer.alloc(0);
        const half = Math.ceil(bytes.length / 2);
        return { bytes: bytes.subarray(part * half, (part + 1) * half), parts: 2 };
      },
      reportCatalog: async (report) => {
        this.reports.push(report);
        return {};
      },
      [Symbol.dispose]: () => {},
    }; // prettier-ignore
  }
}

/** A keeper whose own loop never comes round: only what a test asks for happens. */
const quiet = async () => new Promise<void>((resolve) => setTimeout(resolve, 3_600_000).unref());

async function startKeeper(controller: Controller, directory?: string, wait: (ms: number) => Promise<void> = quiet) {
  const own = directory === undefined ? await temporaryDirectory() : undefined;
  if (own !== undefined) onTestFinished(async () => own[Symbol.asyncDispose]());
  const scratch = directory ?? own?.path ?? "";
  const keeper = createCatalogKeeper({ directory: scratch, calls: () => controller.calls(), domains: async () => blue, fleetSeconds: () => 0, logger: pino({ level: "silent" }), 
    // As a timer: closing ends it.
    wait: async (ms, closing) => Promise.race([wait(ms), new Promise<void>((resolve) => closing.addEventListener("abort", () => resolve(), { once: true }))]) });
  onTestFinished(async () => keeper.close());
  return { keeper, directory: scratch, count: async () => (await keeper.known(blue, signal))("blue")?.count };
}

test("a catalog is fetched in parts, takes effect, is reported, and is still there when the controller is away and the agent starts anew", async () => {
  const controller = new Controller();
  controller.publish(500);
  const { count, keeper, directory } = await startKeeper(controller);
  expect(await count()).toBe(500);
  expect(controller.reports.at(-1)).toEqual({ domain: "blue", epoch: 1n, entries: 500n, findings: [] });
  controller.publish(600);
  expect(await count()).toBe(600);
  controller.away = true;
  expect(await count()).toBe(600);
  void keeper.close();
  expect(await (await startKeeper(controller, directory)).count()).toBe(600);
});

test("what is corrupt, cut off, replayed or wrongly signed is refused, the last good catalog stays in force, and the operator is told", async () => {
  const controller = new Controller();
  const replayed = controller.publish(500);
  const { count } = await startKeeper(controller);
  await count();
  const good = controller.publish(600);
  expect(await count()).toBe(600);
  const tampering: [string, () => void][] = [
    ["manifest-rolled-back", () => (controller.signed = replayed)],
    ["manifest-signature", () => (controller.signed = Buffer.from(good.map((byte, at) => (at === 90 ? byte ^ 1 : byte))))],
    ["manifest-signature", () => (controller.signed = good.subarray(0, -5))],
    ["manifest-malformed", () => (controller.signed = Buffer.alloc(0))],
    ["manifest-signature", () => controller.publish(700, generateKeyPairSync("ed25519").privateKey)],
    ["segment-corrupt", () => {
      controller.publish(800);
      const [name, bytes] = [...controller.segments].at(-1) ?? ["", Buffer.alloc(0)];
      controller.segments.set(name, bytes.subarray(0, -1));
    }],
  ]; // prettier-ignore
  for (const [code, tamper] of tampering) {
    tamper();
    expect(await count()).toBe(600);
    expect(controller.reports.at(-1)).toMatchObject({ domain: "blue", epoch: 2n, entries: 600n, findings: expect.arrayContaining([expect.objectContaining({ code })]) });
  }
});

test("it asks again by itself, first within a minute and then not before the announced wait", async () => {
  const controller = new Controller();
  controller.publish(500);
  const waits: number[] = [];
  let round = Promise.withResolvers<void>();
  await startKeeper(controller, undefined, async (ms) => {
    waits.push(ms);
    await round.promise;
    round = Promise.withResolvers<void>();
  });
  for (const size of [500, 600]) {
    if (size === 600) controller.publish(600);
    round.resolve();
    await vi.waitFor(() => expect(controller.reports.at(-1)?.entries).toBe(BigInt(size)));
    await vi.waitFor(() => expect(waits).toHaveLength(size === 500 ? 2 : 3));
  }
  expect(waits[0]).toBeLessThan(60_000);
  for (const ms of waits.slice(1)) expect(ms).toSatisfy((value: number) => value >= 300_000 && value < 600_000);
});

test("a fleet never falls into step, and asks no more often the larger it is", () => {
  const small = { minimumWait: 0, fleetSeconds: 1 };
  expect([0, 0.5, 0.999].map((random) => nextFetchMs(small, true, () => random))).toEqual([0, 30_000, 59_940]);
  expect(nextFetchMs(small, false, () => 0)).toBe(60_000);
  expect([nextFetchMs({ ...small, minimumWait: 300 }, false, () => 0), nextFetchMs({ ...small, minimumWait: 300 }, false, () => 0.5)]).toEqual([300_000, 450_000]);
  // Ten thousand hosts come back within 67 s; a hundred thousand within 667 s.
  const questionsPerSecond = (hosts: number) => hosts / (nextFetchMs({ minimumWait: 0, fleetSeconds: hosts / 150 }, false, () => 0.5) / 1000);
  expect(questionsPerSecond(10_000)).toBeCloseTo(10 / 3, 3);
  expect(questionsPerSecond(100_000)).toBeCloseTo(10 / 3, 3);
});

test("a domain without templates is no finding, and no answer for a run that is limited to templates", async () => {
  const controller = new Controller();
  const { keeper, count } = await startKeeper(controller);
  expect(await count()).toBeUndefined();
  expect(controller.reports).toEqual([]);
  await expect(keeper.scopes(blue, signal)).rejects.toMatchObject({ code: "catalog-missing" });
});
