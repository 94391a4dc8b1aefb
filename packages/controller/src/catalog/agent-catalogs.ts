import type { ReportCatalogRequest } from "@samepage/proto";
import type { RedisClient } from "../redis/connect-redis.ts";
import { keys } from "../redis/keys.ts";

/** How one domain's catalog stands at one host. Times are epoch milliseconds. */
export interface AgentCatalog {
  readonly host: string;
  readonly domain: string;
  /** 0: none is in force. */
  readonly epoch: number;
  readonly entries: number;
  readonly reportedAt: number;
  /** What the agent refused, newest first; the catalog before it stayed in force. */
  readonly findings: readonly { readonly code: string; readonly message: string; readonly at: number }[];
}

/** What agents say about the catalogs they hold. */
export interface AgentCatalogs {
  record(host: string, report: ReportCatalogRequest, now: number): Promise<AgentCatalog>;
  list(): Promise<readonly AgentCatalog[]>;
}

/** Findings kept of each host and domain: enough to see that something is refused again and again. */
const keptFindings = 10;

/** Characters kept of a finding: a hostile agent must not fill Redis. */
const keptText = 500;

export function createAgentCatalogs(store: RedisClient): AgentCatalogs {
  return {
    record: async (host, { domain, epoch, entries, findings }, now) => {
      const field = `${host} ${domain.slice(0, 256)}`;
      const before = parse(await store.hget(keys.agentCatalogs, field));
      const fresh = findings.slice(0, keptFindings).map(({ code, message }) => ({ code: code.slice(0, 64), message: message.slice(0, keptText), at: now }));
      const state = { host, domain: domain.slice(0, 256), epoch: Number(epoch), entries: Number(entries), reportedAt: now, findings: [...fresh, ...(before?.findings ?? [])].slice(0, keptFindings) };
      // A host's reports come one after the other on its own connection, so the last one to write is the newest.
      await store.hset(keys.agentCatalogs, field, JSON.stringify(state));
      return state;
    },
    list: async () => {
      const all = Object.values(await store.hgetall(keys.agentCatalogs)).map(parse);
      return all.filter((state) => state !== undefined).sort((a, b) => (a.host === b.host ? compare(a.domain, b.domain) : compare(a.host, b.host)));
    },
  };
}

function parse(text: string | null): AgentCatalog | undefined {
  if (text === null) return undefined;
  const state: AgentCatalog = JSON.parse(text);
  return state;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
