import type { FastifyInstance } from "fastify";
import { ControllerError } from "../api/controller-error.ts";
import { roles } from "../api/role.ts";
import type { CreatedToken, CreateToken, TokenView } from "../api/token-view.ts";
import { isHostName } from "../pki/host-identity.ts";
import type { AuditLog } from "../stores/audit-log.ts";
import type { TokenStore } from "../stores/token-store.ts";
import { authorize } from "./http-context.ts";

export interface TokenRouteDeps {
  readonly tokens: TokenStore;
  readonly audit: AuditLog;
  readonly caFingerprint: () => string;
  readonly agentAddress: () => string;
  /** What makes the line for a new host; it makes none where hosts cannot fetch an installer from here. */
  readonly installCommand: () => Promise<(secret: string, host: string | undefined) => string | null>;
}

const createSchema = {
  type: "object",
  required: ["kind"],
  discriminator: { propertyName: "kind" },
  oneOf: [
    {
      additionalProperties: false,
      properties: {
        kind: { const: "enrolment" },
        name: { type: "string", maxLength: 200 },
        host: { type: "string", maxLength: 253 },
        labels: { type: "object", maxProperties: 64, additionalProperties: { type: "string", maxLength: 253 } },
        ttlSeconds: { type: "integer", minimum: 60, maximum: 604_800 },
      },
    },
    {
      additionalProperties: false,
      required: ["name", "role"],
      properties: {
        kind: { const: "operator" },
        name: { type: "string", minLength: 1, maxLength: 200 },
        role: { enum: [...roles] },
        ttlSeconds: { type: "integer", minimum: 60, maximum: 31_536_000 },
      },
    },
  ],
};

export function addTokenRoutes(app: FastifyInstance, { tokens, audit, caFingerprint, agentAddress, installCommand }: TokenRouteDeps): void {
  app.post<{ Body: CreateToken }>("/v1/tokens", { schema: { body: createSchema } }, async (request): Promise<CreatedToken> => {
    const operator = await authorize(request, tokens, "admin");
    const { body } = request;
    if (body.kind === "enrolment" && body.host !== undefined && !isHostName(body.host)) {
      throw new ControllerError("invalid", `${body.host} is not a host name`, { hint: "letters, digits, dots, dashes and underscores", target: body.host });
    }
    // First: a release that cannot be read must not cost a token.
    const toCommand = body.kind === "enrolment" ? await installCommand() : () => null;
    const { view, secret } = await tokens.create(body, Date.now());
    await audit.append({ actor: operator.name, action: "token.create", target: view.id, detail: { kind: view.kind, name: view.name, role: view.role } });
    return { token: view, secret, caFingerprint: caFingerprint(), agentAddress: agentAddress(), installCommand: toCommand(secret, body.kind === "enrolment" ? body.host : undefined) };
  });

  app.get("/v1/tokens", async (request): Promise<{ tokens: readonly TokenView[] }> => {
    await authorize(request, tokens, "admin");
    return { tokens: await tokens.list() };
  });

  app.delete<{ Params: { id: string } }>("/v1/tokens/:id", async (request, reply) => {
    const operator = await authorize(request, tokens, "admin");
    if (!(await tokens.remove(request.params.id))) throw new ControllerError("not-found", `no token has the id ${request.params.id}`, { target: request.params.id });
    await audit.append({ actor: operator.name, action: "token.remove", target: request.params.id, detail: {} });
    return reply.status(204).send();
  });
}
