import { createHash } from "node:crypto";
import type { Template } from "@samepage/catalog";
import { ControllerError } from "../api/controller-error.ts";
import type { RedisClient } from "../redis/connect-redis.ts";
import { keys } from "../redis/keys.ts";
import { runScript, script } from "../redis/script.ts";

/** Templates, their manifests, and uploads that have not ended. */
export interface TemplateStore {
  list(): Promise<readonly Template[]>;
  get(name: string): Promise<Template | undefined>;
  /** Replaces a template by what `decide` makes of it, as one step; `decide` runs again when somebody else was faster. */
  change(name: string, decide: (template: Template | undefined) => Template): Promise<Template>;
  /** SHA-256 of the frames of an upload that are here, in order. */
  uploaded(job: string): Promise<Buffer[]>;
  /** Keeps a frame at its position; those behind it are forgotten. @throws ControllerError `invalid` when one before it is missing. */
  putFrame(job: string, index: number, frame: Buffer): Promise<void>;
  /** The frames of an upload. */
  frames(job: string): Promise<Buffer[]>;
  /** Makes an upload the manifest of that name. */
  keep(job: string, manifest: string): Promise<void>;
  /** A part of a manifest and how many there are; undefined when there is no such part. */
  part(manifest: string, part: number): Promise<{ readonly bytes: Buffer; readonly parts: number } | undefined>;
  /** A whole manifest; empty when there is none. */
  manifest(name: string): Promise<Buffer>;
}

/** An upload that nobody goes on with is forgotten after this many seconds: a week, as a maintenance window may be that far. */
const uploadSeconds = 7 * 24 * 3600;

/** Tries to change a template before it counts as contended for ever. */
const attempts = 20;

/** KEYS: templates. ARGV: name, expected, next. */
const replaceScript = script(`
local now = redis.call("HGET", KEYS[1], ARGV[1]) or ""
if now ~= ARGV[2] then return 0 end
redis.call("HSET", KEYS[1], ARGV[1], ARGV[3])
return 1`);

export function createTemplateStore(store: RedisClient): TemplateStore {
  const parse = (text: string): Template => {
    const template: Template = JSON.parse(text);
    return template;
  };
  const read = async (name: string) => {
    const text = await store.hget(keys.templates, name);
    return text === null ? undefined : parse(text);
  };
  return {
    list: async () => Object.values(await store.hgetall(keys.templates)).map(parse).sort((a, b) => a.name.localeCompare(b.name)),
    get: read,
    change: async (name, decide) => {
      for (let attempt = 0; attempt < attempts; attempt++) {
        const text = (await store.hget(keys.templates, name)) ?? "";
        const next = decide(text === "" ? undefined : parse(text));
        if ((await runScript(store, replaceScript, [keys.templates], [name, text, JSON.stringify(next)])) === 1) return next;
      }
      throw new ControllerError("conflict", `${name} is being changed by others`, { hint: "try again", target: name });
    },
    uploaded: async (job) => (await store.lrangeBuffer(keys.upload(job), 0, -1)).map((frame) => createHash("sha256").update(frame).digest()),
    putFrame: async (job, index, frame) => {
      const key = keys.upload(job);
      if (index > (await store.llen(key))) throw new ControllerError("invalid", `frame ${index} came before the one it follows`, { target: job });
      const transaction = store.multi();
      if (index === 0) transaction.del(key);
      else transaction.ltrim(key, 0, index - 1);
      await transaction.rpush(key, frame).expire(key, uploadSeconds).exec();
    },
    frames: async (job) => store.lrangeBuffer(keys.upload(job), 0, -1),
    keep: async (job, manifest) => {
      if ((await store.exists(keys.upload(job))) === 0) return;
      await store.multi().rename(keys.upload(job), keys.templateManifest(manifest)).persist(keys.templateManifest(manifest)).exec();
    },
    part: async (manifest, part) => {
      const [bytes, parts] = await Promise.all([store.lindexBuffer(keys.templateManifest(manifest), part), store.llen(keys.templateManifest(manifest))]);
      return bytes === null ? undefined : { bytes, parts };
    },
    manifest: async (name) => Buffer.concat(await store.lrangeBuffer(keys.templateManifest(name), 0, -1)),
  };
}
