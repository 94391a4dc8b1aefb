import { createHash } from "node:crypto";
import type { CatalogLists } from "./digest-set.ts";
import { prefixCount } from "./prefix-list.ts";

/** Entries hashed at a time: half a MiB. */
const chunk = 65_536;

/**
 * SHA-256 in hex over the prefixes and then the sizes, each as 8 big-endian bytes: what publisher
 * and agent must agree on after the last segment.
 */
export function listChecksum({ prefixes, sizes }: CatalogLists): string {
  const hash = createHash("sha256");
  hashColumns(hash, prefixCount(prefixes), (i) => prefixes.high[i] ?? 0, (i) => prefixes.low[i] ?? 0);
  hashColumns(hash, sizes.length, (i) => Math.floor((sizes[i] ?? 0) / 2 ** 32), (i) => (sizes[i] ?? 0) % 2 ** 32);
  return hash.digest("hex");
}

function hashColumns(hash: ReturnType<typeof createHash>, count: number, high: (i: number) => number, low: (i: number) => number): void {
  const bytes = Buffer.alloc(chunk * 8);
  for (let start = 0; start < count; start += chunk) {
    const end = Math.min(count, start + chunk);
    for (let i = start; i < end; i++) {
      bytes.writeUInt32BE(high(i), (i - start) * 8);
      bytes.writeUInt32BE(low(i), (i - start) * 8 + 4);
    }
    hash.update(bytes.subarray(0, (end - start) * 8));
  }
}
