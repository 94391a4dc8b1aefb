import { parseTemplateName, resolveVersion, type Template, withAlias, withGuests } from "@samepage/catalog";
import type { FastifyInstance } from "fastify";
import { ControllerError } from "../api/controller-error.ts";
import type { CreateRollout, RolloutView } from "../api/rollout-view.ts";
import type { CatalogView, CompareWithTemplate, PublishTemplate, TemplateView } from "../api/template-view.ts";
import { foreignPatterns } from "../catalog/foreign-patterns.ts";
import type { DomainCatalogs } from "../catalog/domain-catalogs.ts";
import type { TemplateStore } from "../catalog/template-store.ts";
import type { Templates } from "../catalog/templates.ts";
import type { Fleet } from "../fleet-view.ts";
import type { AuditLog } from "../stores/audit-log.ts";
import type { TokenStore } from "../stores/token-store.ts";
import { asInvalid } from "./as-invalid.ts";
import { existingTemplate } from "./existing-template.ts";
import { authorize } from "./http-context.ts";
import { wholeAtOnce } from "./whole-at-once.ts";

export interface TemplateRouteDeps {
  readonly fleet: Pick<Fleet, "guests">;
  readonly store: TemplateStore;
  readonly templates: Templates;
  readonly catalogs: DomainCatalogs;
  readonly tokens: TokenStore;
  readonly audit: AuditLog;
  /** Creates a rollout and begins it. */
  readonly start: (request: CreateRollout, actor: string) => Promise<RolloutView>;
}

const text = { type: "string", minLength: 1, maxLength: 4096 };
const publishSchema = {
  type: "object",
  required: ["name", "version", "host", "path"],
  additionalProperties: false,
  properties: { name: text, version: text, host: text, path: { ...text, pattern: "^/" }, domain: text },
};
const compareSchema = {
  type: "object",
  required: ["name"],
  additionalProperties: false,
  properties: { name: text, version: text, selector: text, assigned: { type: "boolean" }, guests: { type: "array", maxItems: 1000, items: text } },
};
const aliasSchema = { type: "object", required: ["version"], additionalProperties: false, properties: { version: text } };

const guestsSchema = { type: "object", required: ["guests"], additionalProperties: false, properties: { guests: { type: "array", maxItems: 1000, items: text } } };

export function addTemplateRoutes(app: FastifyInstance, { fleet, store, templates, catalogs, tokens, audit, start }: TemplateRouteDeps): void {
  app.get("/v1/templates", async (request): Promise<{ templates: readonly TemplateView[] }> => {
    await authorize(request, tokens, "viewer");
    return { templates: (await store.list()).map(toView) };
  });

  app.get<{ Params: { name: string } }>("/v1/templates/:name", async (request): Promise<TemplateView> => {
    await authorize(request, tokens, "viewer");
    return toView(await existingTemplate(store, request.params.name));
  });

  app.post<{ Body: PublishTemplate }>("/v1/templates", { schema: { body: publishSchema } }, async (request): Promise<RolloutView> => {
    const operator = await authorize(request, tokens, "operator");
    const { name, version, host, path, domain = "default" } = request.body;
    asInvalid(() => parseTemplateName(`${name}@${version}`));
    const template = { name, version, path, domain };
    return start({ name: `publish ${name}@${version}`, operation: { kind: "publish-template", template }, selector: `name=${host}`, ...wholeAtOnce }, operator.name);
  });

  app.post<{ Body: CompareWithTemplate }>("/v1/drift", { schema: { body: compareSchema } }, async (request): Promise<RolloutView> => {
    const operator = await authorize(request, tokens, "operator");
    const { name, version = "latest", selector, guests, assigned = false } = request.body;
    const found = await existingTemplate(store, name);
    const template = { name, version: asInvalid(() => resolveVersion(found, version)).version, ...(assigned ? { assigned: found.guests ?? [] } : {}) };
    const operation = { kind: "drift", template, ...(guests === undefined ? {} : { guests }) } as const;
    return start({ name: `drift from ${name}@${template.version}`, operation, ...(selector === undefined ? {} : { selector }), ...wholeAtOnce }, operator.name);
  });

  app.post<{ Params: { name: string; alias: string }; Body: { version: string } }>("/v1/templates/:name/aliases/:alias", { schema: { body: aliasSchema } }, async (request): Promise<TemplateView> => {
    await authorize(request, tokens, "operator");
    const { name, alias } = request.params;
    await existingTemplate(store, name);
    return toView(await store.change(name, (template) => asInvalid(() => withAlias(template ?? { name, domain: "", versions: [], aliases: {} }, alias, request.body.version))));
  });

  app.put<{ Params: { name: string }; Body: { guests: string[] } }>("/v1/templates/:name/guests", { schema: { body: guestsSchema } }, async (request): Promise<TemplateView> => {
    const operator = await authorize(request, tokens, "operator");
    const { name } = request.params;
    const { guests } = request.body;
    const { domain } = await existingTemplate(store, name);
    const [foreign] = foreignPatterns(guests, (await fleet.guests()).guests, domain);
    if (foreign !== undefined) {
      throw new ControllerError("invalid", `${foreign.pattern} matches only guests of domain ${foreign.domains.join(", ")}, and ${name} is a template of domain ${domain}`, { hint: "samepage guest ls shows domains; agent.yaml sets them", target: name });
    }
    await audit.append({ actor: operator.name, action: "template.guests", target: name, detail: { guests } });
    return toView(await store.change(name, (template) => withGuests(template ?? { name, domain: "", versions: [], aliases: {} }, guests)));
  });

  app.post<{ Params: { name: string; version: string } }>("/v1/templates/:name/versions/:version/retire", async (request): Promise<TemplateView> => {
    const operator = await authorize(request, tokens, "operator");
    const { name, version } = request.params;
    const template = await existingTemplate(store, name);
    asInvalid(() => resolveVersion(template, version));
    return toView(await templates.retire(name, version, operator.name));
  });

  app.get("/v1/catalog", async (request): Promise<{ domains: readonly CatalogView[] }> => {
    await authorize(request, tokens, "viewer");
    const byDomain = Map.groupBy(await store.list(), ({ domain }) => domain);
    const views = await Promise.all([...byDomain].map(async ([domain, members]) => toCatalogView(domain, members, catalogs)));
    return { domains: views.filter((view) => view !== undefined) };
  });
}

async function toCatalogView(domain: string, members: readonly Template[], catalogs: DomainCatalogs): Promise<CatalogView | undefined> {
  const manifest = await catalogs.manifest(domain);
  if (manifest === undefined) return undefined;
  const { epoch, issuedAt, entries, segments } = manifest;
  const wireBytes = segments.reduce((sum, { bytes }) => sum + bytes, 0);
  return { domain, epoch, publishedAt: new Date(issuedAt).toISOString(), digests: entries, segments: segments.length, wireBytes, templates: members.length };
}

function toView({ name, domain, versions, aliases, guests = [] }: Template): TemplateView {
  return { name, domain, aliases, guests, versions: versions.map((version) => ({ ...version, publishedAt: new Date(version.publishedAt).toISOString() })) };
}
