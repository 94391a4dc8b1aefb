import type { FastifyInstance } from "fastify";
import { ControllerError } from "../api/controller-error.ts";
import type { FleetSummaryView } from "../api/fleet-summary-view.ts";
import type { GuestView, HostChange, HostView } from "../api/host-view.ts";
import type { Fleet, PageRequest } from "../fleet-view.ts";
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

/** A page of a list: entries after a host's name, so many at most. Without them the answer is the whole list. */
interface PageQuery {
  readonly after?: string;
  readonly limit?: string;
}

const pageSchema = { type: "object", properties: { after: { type: "string", maxLength: 253 }, limit: { type: "string", pattern: "^[1-9]\\d{0,4}$" } } };

export function addHostRoutes(app: FastifyInstance, { fleet, tokens, audit, disconnect }: HostRouteDeps): void {
  const existing = async (name: string): Promise<HostView> => {
    const host = await fleet.host(name);
    if (host === undefined) throw new ControllerError("not-found", `no host is called ${name}`, { hint: "samepage host ls", target: name });
    return host;
  };

  app.get("/v1/fleet", async (request): Promise<FleetSummaryView> => {
    await authorize(request, tokens, "viewer");
    return fleet.summary();
  });

  app.get<{ Querystring: { selector?: string } & PageQuery }>("/v1/hosts", { schema: { querystring: pageSchema } }, async (request): Promise<{ hosts: readonly HostView[]; next: string | null }> => {
    await authorize(request, tokens, "viewer");
    return fleet.hosts(request.query.selector, toPage(request.query));
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

  app.get<{ Querystring: { host?: string } & PageQuery }>("/v1/guests", { schema: { querystring: pageSchema } }, async (request): Promise<{ guests: readonly GuestView[]; next: string | null }> => {
    await authorize(request, tokens, "viewer");
    if (request.query.host !== undefined) await existing(request.query.host);
    return fleet.guests(request.query.host, toPage(request.query));
  });
}

function toPage({ after, limit }: PageQuery): PageRequest {
  return { after, limit: limit === undefined ? undefined : Number(limit) };
}
