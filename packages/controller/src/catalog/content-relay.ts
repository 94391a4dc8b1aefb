import { randomUUID } from "node:crypto";
import { ContentRoom, ContentState } from "@samepage/proto";
import { ControllerError } from "../api/controller-error.ts";
import type { RedisClient } from "../redis/connect-redis.ts";
import { keys } from "../redis/keys.ts";
import { runScript, script } from "../redis/script.ts";

/**
 * Hands a file's content from a host that has it to one that restores it. Redis carries it, so that both hosts may be on
 * different controllers; at most a few parts wait there, and nothing is left of a relay after ten minutes. Digests are
 * verified by the host that writes the file: who carries the bytes need not be believed.
 */
export interface ContentRelay {
  /** Opens one. The content may be sent by any of these hosts, and fetched by the reader alone. */
  open(reader: string, senders: readonly string[]): Promise<string>;
  put(host: string, relay: string, part: number, sent: SentPart): Promise<ContentRoom>;
  read(host: string, relay: string, part: number): Promise<{ readonly state: ContentState; readonly bytes: Buffer; readonly mtimeNs: bigint }>;
}

/** A part, and with the last one the modification time of the copy, ns since the epoch. */
interface SentPart {
  readonly bytes: Buffer;
  readonly last: boolean;
  readonly mtimeNs: bigint;
}

/** Parts that wait for the reader: with parts of 512 KiB no more than 4 MiB of Redis for each file on its way. */
const waitingParts = 8;
const lifeSeconds = 600;

/**
 * KEYS: relay, parts. ARGV: host, part, bytes, last, room, seconds, mtime. The first sender to put something is the only one from then on.
 * Returns 1 taken, 2 full, 3 closed.
 */
const putScript = script(`
local relay = redis.call("HMGET", KEYS[1], "senders", "sender", "next", "read")
if not relay[1] or not string.find(relay[1], "\\n" .. ARGV[1] .. "\\n", 1, true) then return 3 end
if relay[2] and relay[2] ~= ARGV[1] then return 3 end
local next, read = tonumber(relay[3] or "0"), tonumber(relay[4] or "0")
local part = tonumber(ARGV[2])
if part < next then return 1 end
if part > next then return 3 end
if next - read >= tonumber(ARGV[5]) then return 2 end
redis.call("HSET", KEYS[2], ARGV[2], ARGV[3])
redis.call("HSET", KEYS[1], "sender", ARGV[1], "next", next + 1)
if ARGV[4] == "1" then redis.call("HSET", KEYS[1], "end", next + 1, "mtime", ARGV[7]) end
redis.call("EXPIRE", KEYS[1], ARGV[6])
redis.call("EXPIRE", KEYS[2], ARGV[6])
return 1`);

/** KEYS: relay, parts. ARGV: part, seconds. Parts before the one asked for have arrived and are forgotten. */
const readScript = script(`
redis.call("HSET", KEYS[1], "read", ARGV[1])
redis.call("EXPIRE", KEYS[1], ARGV[2])
if tonumber(ARGV[1]) > 0 then redis.call("HDEL", KEYS[2], tostring(tonumber(ARGV[1]) - 1)) end
return 1`);

export function createContentRelay(store: RedisClient): ContentRelay {
  return {
    open: async (reader, senders) => {
      const relay = randomUUID();
      await store.multi().hset(keys.relay(relay), { reader, senders: `\n${senders.join("\n")}\n` }).expire(keys.relay(relay), lifeSeconds).exec();
      return relay;
    },
    put: async (host, relay, part, { bytes, last, mtimeNs }) => {
      const answer = await runScript(store, putScript, [keys.relay(relay), keys.relayParts(relay)], [host, part, bytes.toString("base64"), last ? 1 : 0, waitingParts, lifeSeconds, String(mtimeNs)]);
      return answer === 1 ? ContentRoom.TAKEN : answer === 2 ? ContentRoom.FULL : ContentRoom.CLOSED;
    },
    read: async (host, relay, part) => {
      const { reader, end, mtime = "0" } = await store.hgetall(keys.relay(relay));
      if (reader !== host) throw new ControllerError("forbidden", "this content was asked for by another host, or too long ago", { target: host });
      await runScript(store, readScript, [keys.relay(relay), keys.relayParts(relay)], [part, lifeSeconds]);
      if (end !== undefined && part >= Number(end)) {
        await store.del(keys.relay(relay), keys.relayParts(relay));
        return { state: ContentState.END, bytes: Buffer.alloc(0), mtimeNs: BigInt(mtime) };
      }
      const text = await store.hget(keys.relayParts(relay), String(part));
      return text === null ? { state: ContentState.WAITING, bytes: Buffer.alloc(0), mtimeNs: 0n } : { state: ContentState.PART, bytes: Buffer.from(text, "base64"), mtimeNs: 0n };
    },
  };
}
