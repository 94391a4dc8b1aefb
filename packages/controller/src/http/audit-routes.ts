import { Readable } from "node:stream";
import type { FastifyInstance } from "fastify";
import type { AuditLog } from "../stores/audit-log.ts";
import type { TokenStore } from "../stores/token-store.ts";
import { authorize } from "./http-context.ts";

export function addAuditRoutes(app: FastifyInstance, { audit, tokens }: { readonly audit: AuditLog; readonly tokens: TokenStore }): void {
  const querystring = { type: "object", properties: { after: { type: "string", pattern: "^\\d{1,20}-\\d{1,20}$" } } };
  app.get<{ Querystring: { after?: string } }>("/v1/audit", { schema: { querystring } }, async (request, reply) => {
    await authorize(request, tokens, "viewer");
    return reply.type("application/jsonl").send(Readable.from(toLines(audit.read(request.query.after))));
  });
}

async function* toLines(values: AsyncIterable<unknown>): AsyncGenerator<string> {
  for await (const value of values) yield `${JSON.stringify(value)}\n`;
}
