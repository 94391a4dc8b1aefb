import { generateKeyPairSync } from "node:crypto";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { randomDigests } from "../testing/random-digests.ts";
import { signManifest } from "./catalog-manifest.ts";
import { CatalogStore } from "./catalog-store.ts";
import type { CatalogSource } from "./catalog-store.ts";
import type { CatalogLists } from "./digest-set.ts";
import { prefixesOf } from "./prefix-list.ts";
import { publishCatalog } from "./publish-catalog.ts";
import type { PublishedCatalog } from "./publish-catalog.ts";

const controller = generateKeyPairSync("ed25519");
const stranger = generateKeyPairSync("ed25519");
const { signal } = new AbortController();
const digests = randomDigests(3000);
const listsOf = (count: number): CatalogLists => ({ prefixes: prefixesOf(digests.slice(0, count)), sizes: [1, 2, count].toSorted((a, b) => a - b) });

/** A controller in memory, with everything it ever published, for tests to serve wrongly. */
class Publisher implements CatalogSource {
  readonly segments = new Map<string, Buffer>();
  readonly signed: Buffer[] = [];
  readonly fetched: string[] = [];
  last: PublishedCatalog | undefined;

  publish(count: number): Buffer {
    const publication = publishCatalog(this.last, listsOf(count), { domain: "blue", key: controller.privateKey, now: 0 });
    if (publication === undefined) throw new Error("nothing changed");
    this.last = publication;
    this.segments.set(publication.segment.name, publication.segment.bytes);
    this.signed.push(publication.signed);
    return publication.signed;
  }

  manifest(): Promise<Buffer> {
    return Promise.resolve(this.signed.at(-1) ?? Buffer.alloc(0));
  }

  segment(name: string): Promise<Buffer> {
    this.fetched.push(name);
    return Promise.resolve(this.segments.get(name) ?? Buffer.alloc(0));
  }
}

/** What an update that must change nothing came to. */
async function refusal(store: CatalogStore, source: CatalogSource) {
  const { changed, findings } = await store.update(source, signal);
  return { changed, code: findings.at(-1)?.code, inForce: store.set.count };
}

async function openStore(directory?: string) {
  const where = directory ?? (await mkdtemp(join(tmpdir(), "samepage-catalog-")));
  if (directory === undefined) onTestFinished(async () => rm(where, { recursive: true, force: true }));
  return { where, ...(await CatalogStore.open({ directory: where, domain: "blue", keys: [controller.publicKey] })) };
}

/** A store with one publication in force, and its publisher. */
async function running() {
  const publisher = new Publisher();
  publisher.publish(2000);
  const { store, where } = await openStore();
  await store.update(publisher, signal);
  return { publisher, store, where };
}

test("an update fetches what is missing, takes effect as a whole and survives a restart", async () => {
  const { publisher, store, where } = await running();
  publisher.publish(2100);
  expect(await store.update(publisher, signal)).toEqual({ changed: true, findings: [] });
  expect(publisher.fetched).toHaveLength(2);
  expect(await store.update(publisher, signal)).toEqual({ changed: false, findings: [] });
  const again = await openStore(where);
  expect(again.findings).toEqual([]);
  expect(again.store.set.count).toBe(2100);
  expect(digests.slice(0, 2100).every((digest) => again.store.set.hasDigest(digest))).toBe(true);
});

test("removed digests are gone after the delta", async () => {
  const { publisher, store } = await running();
  publisher.publish(1900);
  await store.update(publisher, signal);
  expect(store.set.count).toBe(1900);
  expect(digests.slice(1900, 2000).some((digest) => store.set.hasDigest(digest))).toBe(false);
});

test("a replayed older manifest is refused", async () => {
  const { publisher, store } = await running();
  publisher.publish(2100);
  await store.update(publisher, signal);
  publisher.signed.push(publisher.signed[0] ?? Buffer.alloc(0));
  const outcome = await store.update(publisher, signal);
  expect(outcome.findings.map(({ code }) => code)).toEqual(["manifest-rolled-back"]);
  expect(store.set.count).toBe(2100);
});

test("another manifest of the same epoch is refused", async () => {
  const { publisher, store } = await running();
  const twin = publishCatalog(undefined, listsOf(5), { domain: "blue", key: controller.privateKey, now: 1 });
  publisher.signed.push(twin?.signed ?? Buffer.alloc(0));
  expect(await refusal(store, publisher)).toEqual({ changed: false, code: "manifest-rolled-back", inForce: 2000 });
});

test("a manifest signed by a stranger is refused", async () => {
  const { publisher, store } = await running();
  const manifest = publisher.last?.manifest;
  if (manifest === undefined) throw new Error("nothing published");
  publisher.signed.push(signManifest({ ...manifest, epoch: 9 }, stranger.privateKey));
  expect(await refusal(store, publisher)).toEqual({ changed: false, code: "manifest-signature", inForce: 2000 });
});

test("a manifest of another domain is refused, though rightly signed", async () => {
  const { publisher, store } = await running();
  const other = publishCatalog(undefined, listsOf(5), { domain: "red", key: controller.privateKey, now: 1 });
  publisher.signed.push(other?.signed ?? Buffer.alloc(0));
  expect(await refusal(store, publisher)).toEqual({ changed: false, code: "manifest-other-domain", inForce: 2000 });
});

test.each([
  ["cut off", (bytes: Buffer) => bytes.subarray(0, -10), "manifest-signature"],
  ["empty", () => Buffer.alloc(0), "manifest-malformed"],
  ["with one bit turned", (bytes: Buffer) => Buffer.from(bytes.map((byte, index) => (index === 100 ? byte ^ 1 : byte))), "manifest-signature"],
])("a manifest %s is refused", async (_name, damage, code) => {
  const { publisher, store } = await running();
  publisher.signed.push(damage(publisher.publish(2100)));
  expect(await refusal(store, publisher)).toEqual({ changed: false, code, inForce: 2000 });
});

test.each([
  ["cut off", (bytes: Buffer) => bytes.subarray(0, -1)],
  ["with one bit turned", (bytes: Buffer) => Buffer.from(bytes.map((byte, index) => (index === 40 ? byte ^ 1 : byte)))],
  ["replaced by an older one", (_: Buffer, publisher: Publisher) => [...publisher.segments.values()][0] ?? Buffer.alloc(0)],
])("a segment %s is refused", async (_name, damage) => {
  const { publisher, store } = await running();
  publisher.publish(2100);
  const [name, bytes] = [...publisher.segments].at(-1) ?? ["", Buffer.alloc(0)];
  publisher.segments.set(name, damage(bytes, publisher));
  expect(await refusal(store, publisher)).toEqual({ changed: false, code: "segment-corrupt", inForce: 2000 });
});

test("segments that do not add up to the announced list are fetched again, then refused", async () => {
  const { publisher, store } = await running();
  publisher.publish(2100);
  const manifest = publisher.last?.manifest;
  if (manifest === undefined) throw new Error("nothing published");
  publisher.fetched.length = 0;
  publisher.signed.push(signManifest({ ...manifest, epoch: 9, checksum: "0".repeat(64) }, controller.privateKey));
  expect(await refusal(store, publisher)).toEqual({ changed: false, code: "catalog-checksum", inForce: 2000 });
  expect(publisher.fetched).toHaveLength(3);
});

test("a segment damaged on disk is a finding at start, the manifest before stands in, and the next update repairs it", async () => {
  const { publisher, store, where } = await running();
  publisher.publish(2100);
  await store.update(publisher, signal);
  const [domain = ""] = await readdir(where);
  const newest = [...publisher.segments.keys()].at(-1) ?? "";
  await writeFile(join(where, domain, `${newest}.segment`), "damaged");
  const again = await openStore(where);
  expect(again.findings.map(({ code }) => code)).toEqual(["segment-corrupt"]);
  expect(again.store.set.count).toBe(2000);
  const repaired = await again.store.update(publisher, signal);
  expect(repaired.changed).toBe(true);
  expect(again.store.set.count).toBe(2100);
});

test("a manifest damaged on disk leaves the one before in force", async () => {
  const { publisher, store, where } = await running();
  publisher.publish(2100);
  await store.update(publisher, signal);
  const [domain = ""] = await readdir(where);
  const path = join(where, domain, "manifest");
  await writeFile(path, (await readFile(path)).subarray(0, 50));
  const again = await openStore(where);
  expect(again.findings.map(({ code }) => code)).toEqual(["manifest-malformed"]);
  expect(again.store.set.count).toBe(2000);
});

test("a domain's catalog is kept apart from every other's", async () => {
  const { publisher, where } = await running();
  const red = await CatalogStore.open({ directory: where, domain: "red", keys: [controller.publicKey] });
  expect(red.store.set.count).toBe(0);
  const outcome = await red.store.update(publisher, signal);
  expect(outcome.findings.map(({ code }) => code)).toEqual(["manifest-other-domain"]);
  expect(red.store.set.count).toBe(0);
});

test("the controller's next key is trusted beside the old one", async () => {
  const next = generateKeyPairSync("ed25519");
  const { where } = await openStore();
  const { store } = await CatalogStore.open({ directory: where, domain: "blue", keys: [controller.publicKey, next.publicKey] });
  const publication = publishCatalog(undefined, listsOf(100), { domain: "blue", key: next.privateKey, now: 0 });
  const source: CatalogSource = {
    manifest: () => Promise.resolve(publication?.signed ?? Buffer.alloc(0)),
    segment: () => Promise.resolve(publication?.segment.bytes ?? Buffer.alloc(0)),
  };
  expect(await store.update(source, signal)).toEqual({ changed: true, findings: [] });
});
