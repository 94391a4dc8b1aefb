import type { FastifyInstance } from "fastify";
import type { HealthView } from "../api/health-view.ts";

/** Open to anyone who reaches the address, so that load balancers and monitors need no token: it says nothing about the fleet. */
export function addHealthRoute(app: FastifyInstance, health: () => Promise<HealthView>): void {
  app.get("/v1/health", async (_request, reply): Promise<HealthView> => {
    const view = await health();
    void reply.status(view.state === "ok" ? 200 : 503);
    return view;
  });
}
