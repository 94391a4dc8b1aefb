import type { FastifyInstance } from "fastify";
import type { SavingsLedger } from "../stores/savings-ledger.ts";
import type { TokenStore } from "../stores/token-store.ts";
import { authorize } from "./http-context.ts";

export function addSavingsRoute(app: FastifyInstance, { savings, tokens }: { readonly savings: SavingsLedger; readonly tokens: TokenStore }): void {
  app.get("/v1/savings", async (request) => {
    await authorize(request, tokens, "viewer");
    return savings.read();
  });
}
