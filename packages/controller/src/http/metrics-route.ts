import type { FastifyInstance } from "fastify";
import type { Metrics } from "../metrics.ts";
import type { TokenStore } from "../stores/token-store.ts";
import { authorize } from "./http-context.ts";

/** For Prometheus, with a viewer's token: how many hosts there are is nobody else's business. */
export function addMetricsRoute(app: FastifyInstance, { metrics, tokens }: { readonly metrics: Metrics; readonly tokens: TokenStore }): void {
  app.get("/metrics", async (request, reply) => {
    await authorize(request, tokens, "viewer");
    return reply.type(metrics.registry.contentType).send(await metrics.registry.metrics());
  });
}
