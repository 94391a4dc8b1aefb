import type { FastifyInstance } from "fastify";
import { ControllerError } from "../api/controller-error.ts";
import type { GuestView, HostChange, HostView } from "../api/host-view.ts";
import type { Fleet } from "../fleet-view.ts";
import type { AuditLog } from "../stores/audit-log.ts";
import type { TokenStore } from "../stores/token-store.ts";
import { authorize } from "./http-context.ts";

export interface HostRouteDeps {
  readonly fleet: Fleet;
  readonly tokens: TokenStore;
  readonly audit: AuditLog;
  /** Ends the host's stream on whichever controller it is. */
  readonly disconnect: (host: string, reason: string) => Promise<void>;
}

const changeSchema = {
  type: "object",
  additionalProperties: false,
  minProperties: 1,
  properties: {
    cordoned: { type: "boolean" },
    labels: {
      type: "object",
      maxProperties: 64,
      propertyNames: { pattern: "^[A-Za-z][A-Za-z0-9._/-]{0,62}$", not: { enum: ["name", "kernel", "arch", "os", "zone"] } },
      additionalProperties: { type: ["string", "null"], maxLength: 253 },
    },
  },
};

export function addHostRoutes(app: FastifyInstance, { fleet, tokens, audit, disconnect }: HostRouteDeps): void {
  const existing = async (name: string): Promise<HostView> => {
    const host = await fleet.host(name);
    if (host === undefined) throw new ControllerError("not-found", `no host is called ${name}`, { hint: "samepage host ls", target: name });
    return host;
  };

  app.get<{ Querystring: { selector?: string } }>("/v1/hosts", async (request): Promise<{ hosts: readonly HostView[] }> => {
    await authorize(request, tokens, "viewer");
    return { hosts: await fleet.hosts(request.query.selector) };
  });

  app.get<{ Params: { name: string } }>("/v1/hosts/:name", async (request): Promise<HostView> => {
    await authorize(request, tokens, "viewer");
    return existing(request.params.name);
  });

  app.patch<{ Params: { name: string }; Body: HostChange }>("/v1/hosts/:name", { schema: { body: changeSchema } }, async (request): Promise<HostView> => {
    const operator = await authorize(request, tokens, "operator");
    const { name } = await existing(request.params.name);
    await fleet.change(name, request.body);
    await audit.append({ actor: operator.name, action: "host.change", target: name, detail: { ...request.body } });
    return existing(name);
  });

  app.post<{ Params: { name: string } }>("/v1/hosts/:name/revoke", async (request): Promise<HostView> => {
    const operator = await authorize(request, tokens, "admin");
    const { name } = await existing(request.params.name);
    await fleet.revoke(name);
    await audit.append({ actor: operator.name, action: "host.revoke", target: name, detail: {} });
    await disconnect(name, "the host was revoked");
    return existing(name);
  });

  app.get<{ Querystring: { host?: string } }>("/v1/guests", async (request): Promise<{ guests: readonly GuestView[] }> => {
    await authorize(request, tokens, "viewer");
    if (request.query.host !== undefined) await existing(request.query.host);
    return { guests: await fleet.guests(request.query.host) };
  });
}
