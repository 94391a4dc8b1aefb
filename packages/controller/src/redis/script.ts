import { createHash } from "node:crypto";
import type { RedisClient } from "./connect-redis.ts";

/** A Lua script: all its keys have one hash tag, so that it runs in a cluster too. */
export interface Script {
  readonly lua: string;
  readonly sha: string;
}

export function script(lua: string): Script {
  return { lua, sha: createHash("sha1").update(lua).digest("hex") };
}

/** Runs a script as one step; sends its text only when the server does not know it yet. */
export async function runScript(client: RedisClient, { lua, sha }: Script, keys: readonly string[], values: readonly (string | number)[]): Promise<unknown> {
  try {
    return await client.evalsha(sha, keys.length, ...keys, ...values);
  } catch (error) {
    if (!(error instanceof Error) || !error.message.startsWith("NOSCRIPT")) throw error;
    return client.eval(lua, keys.length, ...keys, ...values);
  }
}
