import type { KeyObject } from "node:crypto";
import { applySegment, type CatalogLists, type CatalogManifest, decodeSegment, emptyLists, publishCatalog, type PublishedCatalog } from "@samepage/catalog";
import { ControllerError } from "../api/controller-error.ts";
import type { RedisClient } from "../redis/connect-redis.ts";
import { keys } from "../redis/keys.ts";
import { runScript, script } from "../redis/script.ts";

/** Each domain's catalog as agents fetch it: a signed manifest and segments. */
export interface DomainCatalogs {
  /** Undefined before anything was published. */
  signed(domain: string): Promise<Buffer | undefined>;
  manifest(domain: string): Promise<CatalogManifest | undefined>;
  /** A part of a segment; undefined unless the domain's manifest names the segment and it has that part. */
  segmentPart(domain: string, name: string, part: number): Promise<{ readonly bytes: Buffer; readonly parts: number } | undefined>;
  /** Publishes what `decide` makes of the lists in force, as one step; it runs again when another controller was faster. */
  publish(domain: string, decide: (lists: CatalogLists) => CatalogLists | Promise<CatalogLists>): Promise<void>;
}

/** Bytes of a part: one gRPC message with room, and just below an allocation class of Redis, where 512 KiB would take 640. */
const partBytes = 512 * 1024 - 64;

/** Tries to publish before it counts as contended for ever. */
const attempts = 20;

/** KEYS: catalog. ARGV: expected epoch, epoch, signed (base64), manifest, layout. */
const publishScript = script(`
if (redis.call("HGET", KEYS[1], "epoch") or "0") ~= ARGV[1] then return 0 end
redis.call("HSET", KEYS[1], "epoch", ARGV[2], "signed", ARGV[3], "manifest", ARGV[4], "layout", ARGV[5])
return 1`);

export function createDomainCatalogs(store: RedisClient, key: KeyObject): DomainCatalogs {
  const read = async (domain: string): Promise<Omit<PublishedCatalog, "lists"> | undefined> => {
    const { manifest, layout } = await store.hgetall(keys.catalog(domain));
    return manifest === undefined || layout === undefined ? undefined : { manifest: JSON.parse(manifest), layout: JSON.parse(layout) };
  };
  const listsOf = async (manifest: CatalogManifest): Promise<CatalogLists> => {
    let lists = emptyLists;
    for (const { name } of manifest.segments) {
      const parts = await store.lrangeBuffer(keys.segment(name), 0, -1);
      if (parts.length === 0) throw new ControllerError("internal", `segment ${name} is not in Redis`, { hint: "restore Redis from its backup; agents keep their last good catalog", target: manifest.domain });
      lists = applySegment(lists, decodeSegment(Buffer.concat(parts)));
    }
    return lists;
  };
  const attempt = async (domain: string, decide: Parameters<DomainCatalogs["publish"]>[1]): Promise<boolean> => {
    const current = await read(domain);
    const before = current === undefined ? undefined : { ...current, lists: await listsOf(current.manifest) };
    const publication = publishCatalog(before, await decide(before?.lists ?? emptyLists), { domain, key, now: Date.now() });
    if (publication === undefined) return true;
    const { segment, manifest, layout, signed } = publication;
    const segmentKey = keys.segment(segment.name);
    const transaction = store.multi().del(segmentKey);
    for (let at = 0; at < segment.bytes.length; at += partBytes) transaction.rpush(segmentKey, segment.bytes.subarray(at, at + partBytes));
    await transaction.exec();
    const values = [current?.manifest.epoch ?? 0, manifest.epoch, signed.toString("base64"), JSON.stringify(manifest), JSON.stringify(layout)];
    return (await runScript(store, publishScript, [keys.catalog(domain)], values)) === 1;
  };
  return {
    signed: async (domain) => {
      const text = await store.hget(keys.catalog(domain), "signed");
      return text === null ? undefined : Buffer.from(text, "base64");
    },
    manifest: async (domain) => (await read(domain))?.manifest,
    segmentPart: async (domain, name, part) => {
      const current = await read(domain);
      if (current?.manifest.segments.some((segment) => segment.name === name) !== true) return undefined;
      const [bytes, parts] = await Promise.all([store.lindexBuffer(keys.segment(name), part), store.llen(keys.segment(name))]);
      return bytes === null ? undefined : { bytes, parts };
    },
    publish: async (domain, decide) => {
      for (let tries = 0; tries < attempts; tries++) if (await attempt(domain, decide)) return;
      throw new ControllerError("conflict", `the catalog of domain ${domain} is being changed by others`, { hint: "try again", target: domain });
    },
  };
}
