import type { FastifyInstance } from "fastify";
import type { SessionView } from "../api/session-view.ts";
import type { TokenStore } from "../stores/token-store.ts";
import { authorize } from "./http-context.ts";

/** Lets the page learn whose token was typed in, and so which buttons to show. */
export function addSessionRoute(app: FastifyInstance, { tokens }: { readonly tokens: TokenStore }): void {
  app.get("/v1/session", async (request): Promise<SessionView> => authorize(request, tokens, "viewer"));
}
