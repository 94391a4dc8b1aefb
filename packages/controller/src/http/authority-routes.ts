import type { FastifyInstance } from "fastify";
import { type AuthorityStep, authoritySteps, type AuthorityView } from "../api/authority-view.ts";
import type { AuthorityKeeper } from "../pki/authority-keeper.ts";
import type { AuditLog } from "../stores/audit-log.ts";
import type { TokenStore } from "../stores/token-store.ts";
import { authorize } from "./http-context.ts";

export interface AuthorityRouteDeps {
  readonly keeper: AuthorityKeeper;
  readonly rotate: (step: AuthorityStep) => Promise<void>;
  readonly tokens: TokenStore;
  readonly audit: AuditLog;
}

const stepSchema = { type: "object", required: ["step"], additionalProperties: false, properties: { step: { enum: [...authoritySteps] } } };

export function addAuthorityRoutes(app: FastifyInstance, { keeper, rotate, tokens, audit }: AuthorityRouteDeps): void {
  const view = (): AuthorityView => ({ fingerprint: keeper.authority.fingerprint, authorities: keeper.authority.authorities });

  app.get("/v1/authority", async (request): Promise<AuthorityView> => {
    await authorize(request, tokens, "viewer");
    return view();
  });

  app.post<{ Body: { step: AuthorityStep } }>("/v1/authority/rotate", { schema: { body: stepSchema } }, async (request): Promise<AuthorityView> => {
    const operator = await authorize(request, tokens, "admin");
    await rotate(request.body.step);
    await keeper.check();
    await audit.append({ actor: operator.name, action: `authority.${request.body.step}`, target: keeper.authority.fingerprint, detail: {} });
    return view();
  });
}
