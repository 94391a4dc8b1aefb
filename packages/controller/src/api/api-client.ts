import type { AuthorityStep, AuthorityView } from "./authority-view.ts";
import type { AgentCatalogView, CandidatesView, FleetDriftView, GuestDriftView, LookForCandidates, RestoreFromTemplate } from "./catalog-view.ts";
import type { AuditView } from "./audit-view.ts";
import { callJson, callLines, type ApiTarget } from "./api-call.ts";
import { readEvents } from "./read-events.ts";
import type { EventView } from "./event-view.ts";
import type { HealthView } from "./health-view.ts";
import type { GuestView, HostChange, HostView } from "./host-view.ts";
import type { RolloutReportView } from "./report-view.ts";
import type { CreateRollout, RolloutPlanView, RolloutSummary, RolloutView } from "./rollout-view.ts";
import type { BlackoutView, CalendarView, OpeningView, WindowView } from "./window-view.ts";
import type { CatalogView, CompareWithTemplate, PublishTemplate, TemplateView } from "./template-view.ts";
import type { CreatedToken, CreateToken, TokenView } from "./token-view.ts";

/**
 * The controller's HTTP API as functions. Each rejects with a ControllerError: the controller's own
 * answer, or `unreachable` when there was none.
 */
export interface ApiClient {
  health(signal?: AbortSignal): Promise<HealthView>;
  hosts: {
    list(filter?: { readonly selector?: string }, signal?: AbortSignal): Promise<readonly HostView[]>;
    get(name: string, signal?: AbortSignal): Promise<HostView>;
    /** Labels and cordon. */
    change(name: string, change: HostChange, signal?: AbortSignal): Promise<HostView>;
    /** Ends the host's stream and refuses its certificate from now on. */
    revoke(name: string, signal?: AbortSignal): Promise<HostView>;
  };
  guests: {
    list(filter?: { readonly host?: string }, signal?: AbortSignal): Promise<readonly GuestView[]>;
  };
  authority: {
    get(signal?: AbortSignal): Promise<AuthorityView>;
    /** One step of changing the fleet's authority, see AuthorityStep. */
    rotate(step: AuthorityStep, signal?: AbortSignal): Promise<AuthorityView>;
  };
  tokens: {
    create(request: CreateToken, signal?: AbortSignal): Promise<CreatedToken>;
    list(signal?: AbortSignal): Promise<readonly TokenView[]>;
    /** It does not work from now on. */
    remove(id: string, signal?: AbortSignal): Promise<void>;
  };
  rollouts: {
    /** Starts at once. */
    create(request: CreateRollout, signal?: AbortSignal): Promise<RolloutView>;
    /** The waves that creating it now would freeze; stores nothing. */
    plan(request: CreateRollout, signal?: AbortSignal): Promise<RolloutPlanView>;
    /** Newest first. */
    list(signal?: AbortSignal): Promise<readonly RolloutSummary[]>;
    get(id: string, signal?: AbortSignal): Promise<RolloutView>;
    /** Lets running hosts finish; starts no more. */
    pause(id: string, signal?: AbortSignal): Promise<RolloutView>;
    resume(id: string, signal?: AbortSignal): Promise<RolloutView>;
    /** Stops running hosts too; each leaves a consistent tree. */
    abort(id: string, signal?: AbortSignal): Promise<RolloutView>;
    /** Runs failed and missed hosts again. */
    retry(id: string, signal?: AbortSignal): Promise<RolloutView>;
    /** Creates the rollout that takes this one back: the inverse operation on every host that it touched. It must be over. */
    rollback(id: string, signal?: AbortSignal): Promise<RolloutView>;
    report(id: string, signal?: AbortSignal): Promise<RolloutReportView>;
  };
  windows: {
    /** All windows and blackouts. */
    list(signal?: AbortSignal): Promise<CalendarView>;
    /** Makes the window, or replaces the one of that name. */
    put(window: WindowView, signal?: AbortSignal): Promise<WindowView>;
    remove(name: string, signal?: AbortSignal): Promise<void>;
    putBlackout(blackout: BlackoutView, signal?: AbortSignal): Promise<BlackoutView>;
    removeBlackout(name: string, signal?: AbortSignal): Promise<void>;
    /** The next openings of a host, at most `count` (1 … 99, default 5), beginning with one that is open now. */
    next(host: string, count?: number, signal?: AbortSignal): Promise<readonly OpeningView[]>;
  };
  templates: {
    /** Starts the rollout that publishes it. */
    publish(request: PublishTemplate, signal?: AbortSignal): Promise<RolloutView>;
    list(signal?: AbortSignal): Promise<readonly TemplateView[]>;
    get(name: string, signal?: AbortSignal): Promise<TemplateView>;
    setAlias(name: string, alias: string, version: string, signal?: AbortSignal): Promise<TemplateView>;
    /** Its digests leave the catalog; it stays to compare with. */
    retire(name: string, version: string, signal?: AbortSignal): Promise<TemplateView>;
    /** Says which guests are made from it: patterns over their names, in place of those before. */
    assign(name: string, guests: readonly string[], signal?: AbortSignal): Promise<TemplateView>;
  };
  catalog: {
    /** What agents hold, by trust domain. */
    domains(signal?: AbortSignal): Promise<readonly CatalogView[]>;
    /** How it stands at each agent, with what was refused there. */
    agents(signal?: AbortSignal): Promise<readonly AgentCatalogView[]>;
    /** What many guests have in common and no template covers, best saving first. */
    candidates(filter?: { readonly minimumGuests?: number }, signal?: AbortSignal): Promise<CandidatesView>;
    /** Starts the rollout that looks for them. */
    lookForCandidates(request: LookForCandidates, signal?: AbortSignal): Promise<RolloutView>;
  };
  drift: {
    /** The newest comparison of every guest, summed up by template. */
    summary(signal?: AbortSignal): Promise<readonly FleetDriftView[]>;
    /** The newest comparison of each guest with a template. */
    guests(template: string, signal?: AbortSignal): Promise<readonly GuestDriftView[]>;
    /** Starts the rollout that compares guests with a template. */
    compare(request: CompareWithTemplate, signal?: AbortSignal): Promise<RolloutView>;
    /** Starts the rollout that puts a template's files back. */
    restore(request: RestoreFromTemplate, signal?: AbortSignal): Promise<RolloutView>;
  };
  /** Pushed as they happen; ends when the signal aborts, reconnects by itself after a lost connection. */
  events(filter?: { readonly rollout?: string; readonly after?: string }, signal?: AbortSignal): AsyncIterable<EventView>;
  /** The whole audit, oldest first. */
  audit(filter?: { readonly after?: string }, signal?: AbortSignal): AsyncIterable<AuditView>;
}

/** A client of one controller. Opens nothing until the first call. */
export function createApiClient(target: ApiTarget): ApiClient {
  const rollout = (id: string, verb: string) => `/v1/rollouts/${encodeURIComponent(id)}/${verb}`;
  const host = (name: string) => `/v1/hosts/${encodeURIComponent(name)}`;
  const template = (name: string) => `/v1/templates/${encodeURIComponent(name)}`;
  const get = async <T>(path: string, signal?: AbortSignal) => callJson<T>(target, { method: "GET", path, signal });
  const put = async <T extends { readonly name: string }>(kind: string, { name, ...body }: T, signal?: AbortSignal) =>
    callJson<T>(target, { method: "PUT", path: `/v1/${kind}/${encodeURIComponent(name)}`, body, signal });
  const remove = async (kind: string, name: string, signal?: AbortSignal) => {
    await callJson(target, { method: "DELETE", path: `/v1/${kind}/${encodeURIComponent(name)}`, signal });
  };
  const post = async <T>(path: string, body?: unknown, signal?: AbortSignal) => callJson<T>(target, { method: "POST", path, body, signal });
  return {
    // 503 for load balancers; the body says why.
    health: async (signal) => callJson(target, { method: "GET", path: "/v1/health", alsoStatus: 503, signal }),
    hosts: {
      list: async (filter = {}, signal) => (await get<{ hosts: HostView[] }>(withQuery("/v1/hosts", filter), signal)).hosts,
      get: async (name, signal) => get(host(name), signal),
      change: async (name, body, signal) => callJson(target, { method: "PATCH", path: host(name), body, signal }),
      revoke: async (name, signal) => post(`${host(name)}/revoke`, undefined, signal),
    },
    guests: {
      list: async (filter = {}, signal) => (await get<{ guests: GuestView[] }>(withQuery("/v1/guests", filter), signal)).guests,
    },
    authority: {
      get: async (signal) => get("/v1/authority", signal),
      rotate: async (step, signal) => post("/v1/authority/rotate", { step }, signal),
    },
    tokens: {
      create: async (body, signal) => post("/v1/tokens", body, signal),
      list: async (signal) => (await get<{ tokens: TokenView[] }>("/v1/tokens", signal)).tokens,
      remove: async (id, signal) => {
        await callJson(target, { method: "DELETE", path: `/v1/tokens/${encodeURIComponent(id)}`, signal });
      },
    },
    rollouts: {
      create: async (body, signal) => post("/v1/rollouts", body, signal),
      plan: async (body, signal) => post("/v1/rollouts/plan", body, signal),
      list: async (signal) => (await get<{ rollouts: RolloutSummary[] }>("/v1/rollouts", signal)).rollouts,
      get: async (id, signal) => get(`/v1/rollouts/${encodeURIComponent(id)}`, signal),
      pause: async (id, signal) => post(rollout(id, "pause"), undefined, signal),
      resume: async (id, signal) => post(rollout(id, "resume"), undefined, signal),
      abort: async (id, signal) => post(rollout(id, "abort"), undefined, signal),
      retry: async (id, signal) => post(rollout(id, "retry"), undefined, signal),
      rollback: async (id, signal) => post(rollout(id, "rollback"), undefined, signal),
      report: async (id, signal) => get(rollout(id, "report"), signal),
    },
    windows: {
      list: async (signal) => get("/v1/windows", signal),
      put: async (window, signal) => put("windows", window, signal),
      remove: async (name, signal) => remove("windows", name, signal),
      putBlackout: async (blackout, signal) => put("blackouts", blackout, signal),
      removeBlackout: async (name, signal) => remove("blackouts", name, signal),
      next: async (name, count = 5, signal) => (await get<{ openings: OpeningView[] }>(`${host(name)}/openings?count=${count}`, signal)).openings,
    },
    templates: {
      publish: async (body, signal) => post("/v1/templates", body, signal),
      list: async (signal) => (await get<{ templates: TemplateView[] }>("/v1/templates", signal)).templates,
      get: async (name, signal) => get(template(name), signal),
      setAlias: async (name, alias, version, signal) => post(`${template(name)}/aliases/${encodeURIComponent(alias)}`, { version }, signal),
      retire: async (name, version, signal) => post(`${template(name)}/versions/${encodeURIComponent(version)}/retire`, undefined, signal),
      assign: async (name, guests, signal) => callJson(target, { method: "PUT", path: `${template(name)}/guests`, body: { guests }, signal }),
    },
    catalog: {
      domains: async (signal) => (await get<{ domains: CatalogView[] }>("/v1/catalog", signal)).domains,
      agents: async (signal) => (await get<{ agents: AgentCatalogView[] }>("/v1/catalog/agents", signal)).agents,
      candidates: async ({ minimumGuests } = {}, signal) => get(withQuery("/v1/candidates", { minimumGuests: minimumGuests?.toString() }), signal),
      lookForCandidates: async (body, signal) => post("/v1/candidates", body, signal),
    },
    drift: {
      summary: async (signal) => (await get<{ templates: FleetDriftView[] }>("/v1/drift", signal)).templates,
      guests: async (name, signal) => (await get<{ guests: GuestDriftView[] }>(`/v1/drift/${encodeURIComponent(name)}`, signal)).guests,
      compare: async (body, signal) => post("/v1/drift", body, signal),
      restore: async (body, signal) => post("/v1/restore", body, signal),
    },
    events: (filter = {}, signal) => readEvents(target, filter, signal),
    audit: (filter = {}, signal) => callLines<AuditView>(target, { method: "GET", path: withQuery("/v1/audit", filter), signal }),
  };
}

function withQuery(path: string, query: Readonly<Record<string, string | undefined>>): string {
  const given = Object.entries(query).filter((entry): entry is [string, string] => entry[1] !== undefined);
  return given.length === 0 ? path : `${path}?${new URLSearchParams(given).toString()}`;
}
