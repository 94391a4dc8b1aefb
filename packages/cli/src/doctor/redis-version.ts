import { execFile } from "node:child_process";
import { promisify } from "node:util";

/** `7.0.15`; undefined when redis-server is not installed. */
export async function redisVersion(): Promise<string | undefined> {
  try {
    const { stdout } = await promisify(execFile)("redis-server", ["--version"]);
    return /v=(\d+\.\d+\.\d+)/u.exec(stdout)?.[1];
  } catch {
    return undefined;
  }
}

/** The controller needs Redis 6.2 or newer. */
export function isRedisNewEnough(version: string): boolean {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  return major > 6 || (major === 6 && minor >= 2);
}
