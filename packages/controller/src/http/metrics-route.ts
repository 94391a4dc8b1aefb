import { createHash, timingSafeEqual } from "node:crypto";
import type { FastifyInstance } from "fastify";
import type { Metrics } from "../metrics.ts";
import type { TokenStore } from "../stores/token-store.ts";
import { authorize, isRedisAway } from "./http-context.ts";

/** While Redis is away, whoever read the metrics within this time goes on reading them, milliseconds: an outage is when they are needed. */
const rememberedMs = 3_600_000;

/** For Prometheus, with a viewer's token: how many hosts there are is nobody else's business. */
export function addMetricsRoute(app: FastifyInstance, { metrics, tokens }: { readonly metrics: Metrics; readonly tokens: TokenStore }): void {
  let last: { readonly authorization: Buffer; readonly at: number } | undefined;
  app.get("/metrics", async (request, reply) => {
    // Never the token itself: a hash of one length, compared in one time.
    const authorization = createHash("sha256").update(request.headers.authorization ?? "").digest();
    try {
      await authorize(request, tokens, "viewer");
      last = { authorization, at: Date.now() };
    } catch (error) {
      const isRemembered = last !== undefined && Date.now() - last.at < rememberedMs && timingSafeEqual(last.authorization, authorization);
      if (!(error instanceof Error && isRedisAway(error) && isRemembered)) throw error;
    }
    return reply.type(metrics.registry.contentType).send(await metrics.registry.metrics());
  });
}
