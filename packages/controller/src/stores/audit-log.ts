import type { AuditView } from "../api/audit-view.ts";
import type { RedisClient } from "../redis/connect-redis.ts";
import { keys } from "../redis/keys.ts";
import { toFields } from "./stream-entry.ts";

/** What to write down; `id` and `at` come from Redis. */
export type AuditEntry = Omit<AuditView, "id" | "at">;

/** Who did what. Append-only: nothing here changes or removes an entry. */
export interface AuditLog {
  append(entry: AuditEntry): Promise<void>;
  /** Oldest first, in pages, so that years of it do not have to fit in memory. */
  read(after?: string): AsyncIterable<AuditView>;
}

const pageSize = 500;

export function createAuditLog(store: RedisClient): AuditLog {
  return {
    append: async (entry) => {
      await store.xadd(keys.audit, "*", ...auditFields(entry));
    },
    read: async function* (after) {
      let last = after;
      for (;;) {
        const page = await store.xrange(keys.audit, last === undefined ? "-" : `(${last}`, "+", "COUNT", pageSize);
        for (const [id, fields] of page) {
          last = id;
          yield toAudit(id, toFields(fields));
        }
        if (page.length < pageSize) return;
      }
    },
  };
}

/** The entry as fields of a stream's entry, for scripts that append it together with a change. */
export function auditFields(entry: AuditEntry): string[] {
  return ["actor", entry.actor, "action", entry.action, "target", entry.target, "detail", JSON.stringify(entry.detail)];
}

function toAudit(id: string, fields: ReadonlyMap<string, string>): AuditView {
  const detail: Record<string, unknown> = JSON.parse(fields.get("detail") ?? "{}");
  return {
    id,
    at: new Date(Number(id.split("-")[0])).toISOString(),
    actor: fields.get("actor") ?? "",
    action: fields.get("action") ?? "",
    target: fields.get("target") ?? "",
    detail,
  };
}
