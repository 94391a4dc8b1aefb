import { Cluster } from "ioredis";
import { ControllerError } from "../api/controller-error.ts";
import type { RedisClient } from "./connect-redis.ts";

/** What of a Redis server decides whether it can keep the fleet's state. */
interface RedisFacts {
  readonly version: string;
  readonly evictionPolicy: string;
  readonly appendOnly: boolean;
  /** `save` schedules of RDB snapshots; empty when there are none. */
  readonly snapshots: string;
}

interface RedisProblem {
  readonly message: string;
  readonly hint: string;
}

/** The oldest version with every command that is used (LMPOP-free BullMQ, XAUTOCLAIM, GETDEL). */
const oldestVersion = [6, 2] as const;

/** Why a server with these facts is unfit; empty when it is fit. */
export function redisProblems(facts: RedisFacts): readonly RedisProblem[] {
  const problems: RedisProblem[] = [];
  const [major = 0, minor = 0] = facts.version.split(".").map(Number);
  if (major < oldestVersion[0] || (major === oldestVersion[0] && minor < oldestVersion[1])) {
    problems.push({ message: `Redis is ${facts.version}; 6.2 or newer is needed`, hint: "upgrade redis-server" });
  }
  if (facts.evictionPolicy !== "noeviction") {
    problems.push({
      message: `Redis may throw the fleet's state away when memory is short (maxmemory-policy ${facts.evictionPolicy})`,
      hint: "redis-cli config set maxmemory-policy noeviction, and the same in redis.conf",
    });
  }
  if (!facts.appendOnly && facts.snapshots === "") {
    problems.push({
      message: "Redis keeps nothing on disk: a restart would forget the fleet",
      hint: "redis-cli config set appendonly yes, and the same in redis.conf",
    });
  }
  return problems;
}

/** @throws ControllerError `redis-unfit` naming the first problem. */
export async function checkRedisFitness(client: RedisClient): Promise<void> {
  const nodes = client instanceof Cluster ? client.nodes("master") : [client];
  for (const node of nodes) {
    const info = parseInfo(await node.info());
    // Managed services forbid CONFIG; INFO says the same in other words.
    const config = await node.config("GET", "save").then(toStrings, () => []);
    const [problem] = redisProblems({
      version: info.get("redis_version") ?? "0",
      evictionPolicy: info.get("maxmemory_policy") ?? "unknown",
      appendOnly: info.get("aof_enabled") === "1",
      snapshots: config.length === 0 ? "unknown" : (config[1] ?? ""),
    });
    if (problem !== undefined) throw new ControllerError("redis-unfit", problem.message, { hint: problem.hint });
  }
}

function parseInfo(text: string): Map<string, string> {
  return new Map(
    text.split("\r\n").flatMap((line): [string, string][] => {
      const colon = line.indexOf(":");
      return colon > 0 ? [[line.slice(0, colon), line.slice(colon + 1)]] : [];
    }),
  );
}

function toStrings(answer: unknown): string[] {
  return Array.isArray(answer) ? answer.map(String) : [];
}
