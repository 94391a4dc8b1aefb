import { type Candidate, findCandidates } from "@samepage/catalog";
import type { UncoveredFile } from "@samepage/proto";
import type { RedisClient } from "../redis/connect-redis.ts";
import { keys } from "../redis/keys.ts";

/** Files of the fleet's guests that no template covers, as hosts reported them when an operator asked. */
export interface UncoveredStore {
  /** Takes a part of a host's report; part 0 begins it anew. */
  put(host: string, part: number, files: readonly UncoveredFile[]): Promise<void>;
  /** What many guests have in common, and how many hosts have reported. */
  candidates(members: ReadonlySet<string>, minimumGuests: number): Promise<{ readonly candidates: readonly Candidate[]; readonly hosts: number }>;
}

/** A report that is older says little about the fleet: 30 days, in seconds. */
const keptSeconds = 30 * 24 * 3600;
const keptText = 1024;
/** Parts of a report, each below 1 MiB; agents send two at most. */
const mostParts = 8;

interface Stored {
  /** Base64. */
  readonly digest: string;
  readonly size: number;
  readonly path: string;
  readonly guests: readonly string[];
  readonly domain: string;
}

export function createUncoveredStore(store: RedisClient): UncoveredStore {
  return {
    put: async (host, part, files) => {
      if (part >= mostParts) return;
      const stored = files.map(({ digest, size, path, guests, domain }): Stored => ({
        digest: Buffer.from(digest).toString("base64"), size: Number(size), path: path.slice(0, keptText), guests: guests.slice(0, 1000).map((name) => name.slice(0, keptText)), domain: domain.slice(0, 256),
      })); // prettier-ignore
      const key = keys.uncovered(host);
      const transaction = store.multi();
      if (part === 0) transaction.del(key);
      await transaction.hset(key, String(part), JSON.stringify(stored)).expire(key, keptSeconds).exec();
    },
    candidates: async (members, minimumGuests) => {
      const byGuest = new Map<string, { host: string; guest: string; domain: string; files: { digest: Buffer; size: number; path: Buffer }[] }>();
      let hosts = 0;
      for (const host of members) {
        const parts = Object.values(await store.hgetall(keys.uncovered(host)));
        if (parts.length === 0) continue;
        hosts++;
        for (const text of parts) {
          const files: Stored[] = JSON.parse(text);
          for (const { digest, size, path, guests, domain } of files) {
            const file = { digest: Buffer.from(digest, "base64"), size, path: Buffer.from(path) };
            for (const guest of guests) {
              const name = `${host}/${guest}`;
              const known = byGuest.get(name) ?? { host, guest, domain, files: [] };
              known.files.push(file);
              byGuest.set(name, known);
            }
          }
        }
      }
      return { candidates: findCandidates(byGuest.values(), { minimumGuests }), hosts };
    },
  };
}
