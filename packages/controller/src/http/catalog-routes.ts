import { resolveVersion } from "@samepage/catalog";
import type { FastifyInstance } from "fastify";
import type { AgentCatalogView, CandidatesView, FleetDriftView, GuestDriftView, LookForCandidates, RestoreFromTemplate } from "../api/catalog-view.ts";
import { ControllerError } from "../api/controller-error.ts";
import type { CreateRollout, RolloutView } from "../api/rollout-view.ts";
import type { AgentCatalogs } from "../catalog/agent-catalogs.ts";
import { toAgentCatalogView, toCandidateView, toFleetDriftView, toGuestDriftView } from "../catalog/catalog-views.ts";
import type { DomainCatalogs } from "../catalog/domain-catalogs.ts";
import type { DriftLedger } from "../catalog/drift-ledger.ts";
import type { TemplateStore } from "../catalog/template-store.ts";
import type { UncoveredStore } from "../catalog/uncovered-store.ts";
import type { HostStore } from "../stores/host-store.ts";
import type { TokenStore } from "../stores/token-store.ts";
import { asInvalid } from "./as-invalid.ts";
import { existingTemplate } from "./existing-template.ts";
import { authorize } from "./http-context.ts";
import { wholeAtOnce } from "./whole-at-once.ts";

export interface CatalogRouteDeps {
  readonly templates: TemplateStore;
  readonly catalogs: DomainCatalogs;
  readonly agents: AgentCatalogs;
  readonly drift: DriftLedger;
  readonly uncovered: UncoveredStore;
  readonly hosts: HostStore;
  readonly tokens: TokenStore;
  /** Creates a rollout and begins it. */
  readonly start: (request: CreateRollout, actor: string) => Promise<RolloutView>;
}

const text = { type: "string", minLength: 1, maxLength: 4096 };
const texts = { type: "array", maxItems: 1000, items: text };
const candidatesSchema = {
  type: "object",
  additionalProperties: false,
  properties: { selector: text, guests: texts, minSize: { type: "integer", minimum: 1, maximum: Number.MAX_SAFE_INTEGER } },
};
const restoreSchema = {
  type: "object",
  required: ["name", "guests"],
  additionalProperties: false,
  properties: { name: text, version: text, selector: text, guests: { ...texts, minItems: 1 }, paths: { ...texts, minItems: 1 }, adoptPrelink: { type: "boolean" } },
};

/** Guests that must have a file before it is a candidate: two copies are a coincidence or a clone. */
const defaultMinimumGuests = 3;

export function addCatalogRoutes(app: FastifyInstance, { templates, catalogs, agents, drift, uncovered, hosts, tokens, start }: CatalogRouteDeps): void {
  const members = async () => new Set((await hosts.list()).filter(({ revokedAt }) => revokedAt === null).map(({ name }) => name));

  app.get("/v1/catalog/agents", async (request): Promise<{ agents: readonly AgentCatalogView[] }> => {
    await authorize(request, tokens, "viewer");
    const [states, known] = await Promise.all([agents.list(), members()]);
    const epochs = new Map(await Promise.all([...new Set(states.map(({ domain }) => domain))].map(async (domain) => [domain, (await catalogs.manifest(domain))?.epoch ?? 0] as const)));
    const views = states.filter(({ host }) => known.has(host)).map((state) => toAgentCatalogView(state, epochs.get(state.domain) ?? 0));
    return { agents: views };
  });

  app.get("/v1/drift", async (request): Promise<{ templates: readonly FleetDriftView[] }> => {
    await authorize(request, tokens, "viewer");
    const known = await members();
    const views = await Promise.all((await templates.list()).map(async ({ name, domain }) => {
      const fleet = await drift.fleet(name, known);
      return fleet === undefined ? undefined : toFleetDriftView(name, domain, fleet);
    }));
    return { templates: views.filter((view) => view !== undefined) };
  });

  app.get<{ Params: { template: string } }>("/v1/drift/:template", async (request): Promise<{ guests: readonly GuestDriftView[] }> => {
    await authorize(request, tokens, "viewer");
    const { name } = await existingTemplate(templates, request.params.template);
    return { guests: (await drift.guests(name, await members())).map(toGuestDriftView) };
  });

  app.get<{ Querystring: { minimumGuests?: string } }>("/v1/candidates", { schema: { querystring: { type: "object", additionalProperties: false, properties: { minimumGuests: { type: "string", pattern: "^(?:[2-9]|[1-9]\\d{1,4})$" } } } } }, async (request): Promise<CandidatesView> => {
    await authorize(request, tokens, "viewer");
    const { candidates, hosts: reported } = await uncovered.candidates(await members(), Number(request.query.minimumGuests ?? defaultMinimumGuests));
    return { candidates: candidates.map(toCandidateView), hosts: reported };
  });

  app.post<{ Body: LookForCandidates }>("/v1/candidates", { schema: { body: candidatesSchema } }, async (request): Promise<RolloutView> => {
    const operator = await authorize(request, tokens, "operator");
    const { selector, guests, minSize } = request.body;
    const operation = { kind: "candidates", ...(guests === undefined ? {} : { guests }), ...(minSize === undefined ? {} : { settings: { minSize } }) } as const;
    return start({ name: "look for template candidates", operation, ...(selector === undefined ? {} : { selector }), ...wholeAtOnce }, operator.name);
  });

  app.post<{ Body: RestoreFromTemplate }>("/v1/restore", { schema: { body: restoreSchema } }, async (request): Promise<RolloutView> => {
    const operator = await authorize(request, tokens, "operator");
    const { name, version = "latest", selector, guests, paths, adoptPrelink = false } = request.body;
    if ((paths === undefined) !== adoptPrelink) throw new ControllerError("invalid", "name the paths to restore, or ask to adopt the template's prelinked files, and not both", { target: name });
    const template = await existingTemplate(templates, name);
    const target = { name, version: asInvalid(() => resolveVersion(template, version)).version, ...(adoptPrelink ? { adoptPrelink } : { paths: (paths ?? []).map((path) => path.replace(/^\/+/u, "")) }) };
    const title = adoptPrelink ? `adopt prelinked files of ${name}@${target.version}` : `restore from ${name}@${target.version}`;
    return start({ name: title, operation: { kind: "restore", guests, template: target }, ...(selector === undefined ? {} : { selector }), ...wholeAtOnce }, operator.name);
  });
}
