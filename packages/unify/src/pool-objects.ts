import { opendir } from "node:fs/promises";
import { join } from "node:path";

export interface PoolObject {
  readonly path: string;
  /** From the name: SHA-256 (hex) of the content. */
  readonly digest: string;
  /** From the name: the domain's tag and a digest of what else must be equal. */
  readonly identity: string;
}

/** The objects of a pool, a directory at a time; anything else that lies there is passed over. */
export async function* poolObjects(pool: string): AsyncGenerator<PoolObject> {
  for await (const shard of await opendir(pool)) {
    if (!/^[0-9a-f]{2}$/u.test(shard.name) || !shard.isDirectory()) continue;
    for await (const entry of await opendir(join(pool, shard.name))) {
      const [, digest, identity] = /^([0-9a-f]{64})-([0-9a-f]{16})-\d+$/u.exec(entry.name) ?? [];
      if (digest !== undefined && identity !== undefined && entry.isFile()) yield { path: join(pool, shard.name, entry.name), digest, identity };
    }
  }
}
