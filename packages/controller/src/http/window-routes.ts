import { type Blackout, calendarFor, createCalendar, FleetError, fleetOpenings, type MaintenanceWindow, previewOpenings } from "@samepage/fleet";
import type { FastifyInstance } from "fastify";
import { ControllerError } from "../api/controller-error.ts";
import type { BlackoutView, CalendarView, FleetOpeningsView, OpeningView, WindowView } from "../api/window-view.ts";
import { toFacts } from "../rollout/create-rollout.ts";
import type { AuditLog } from "../stores/audit-log.ts";
import type { HostStore } from "../stores/host-store.ts";
import type { TokenStore } from "../stores/token-store.ts";
import type { WindowStore } from "../windows/window-store.ts";
import { authorize } from "./http-context.ts";

export interface WindowRouteDeps {
  readonly windows: WindowStore;
  readonly hosts: HostStore;
  readonly tokens: TokenStore;
  readonly audit: AuditLog;
  /** Rollouts look at the windows again now. */
  readonly changed: () => Promise<void>;
}

const name = { type: "string", pattern: "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$" };
const paramsSchema = { type: "object", properties: { name } };
const text = { type: "string", minLength: 1, maxLength: 4096 };
const repeating = {
  type: "object",
  additionalProperties: false,
  required: ["selector", "schedule", "zone", "durationSeconds"],
  properties: { selector: text, schedule: text, zone: text, durationSeconds: { type: "integer", minimum: 60, maximum: 2_678_400 } },
};
/** How far ahead the fleet's openings are told, days: what fits a page when nothing is asked for, a quarter at most. */
const defaultDays = 14;
const dayMs = 86_400_000;
const once = { type: "object", additionalProperties: false, required: ["selector", "zone", "from", "to"], properties: { selector: text, zone: text, from: text, to: text } };

/** The name comes in the path. */
type Nameless<T> = T extends unknown ? Omit<T, "name"> : never;
type Named<T> = { readonly Params: { readonly name: string }; readonly Body: Nameless<T> };

export function addWindowRoutes(app: FastifyInstance, { windows, hosts, tokens, audit, changed }: WindowRouteDeps): void {
  app.get("/v1/windows", async (request): Promise<CalendarView> => {
    await authorize(request, tokens, "viewer");
    const stored = await windows.list();
    return { windows: stored.windows.map(toView), blackouts: stored.blackouts.map(toBlackoutView) };
  });

  app.put<Named<WindowView>>("/v1/windows/:name", { schema: { params: paramsSchema, body: repeating } }, async (request): Promise<WindowView> => {
    const operator = await authorize(request, tokens, "operator");
    const window = toWindow(request.params.name, request.body);
    checked(() => createCalendar([window], []));
    await windows.putWindow(window);
    await audit.append({ actor: operator.name, action: "window.put", target: window.name, detail: { ...window } });
    await changed();
    return toView(window);
  });

  app.put<Named<BlackoutView>>("/v1/blackouts/:name", { schema: { params: paramsSchema, body: { oneOf: [repeating, once] } } }, async (request): Promise<BlackoutView> => {
    const operator = await authorize(request, tokens, "operator");
    const { body } = request;
    const blackout: Blackout = "schedule" in body ? toWindow(request.params.name, body) : { ...body, name: request.params.name };
    checked(() => createCalendar([], [blackout]));
    await windows.putBlackout(blackout);
    await audit.append({ actor: operator.name, action: "blackout.put", target: blackout.name, detail: { ...blackout } });
    await changed();
    return toBlackoutView(blackout);
  });

  for (const kind of ["window", "blackout"] as const) {
    app.delete<{ Params: { name: string } }>(`/v1/${kind}s/:name`, async (request, reply) => {
      const operator = await authorize(request, tokens, "operator");
      const target = request.params.name;
      if (!(await windows.remove(kind, target))) throw new ControllerError("not-found", `no ${kind} is called ${target}`, { hint: "samepage window ls", target });
      await audit.append({ actor: operator.name, action: `${kind}.remove`, target, detail: {} });
      await changed();
      return reply.status(204).send();
    });
  }

  app.get<{ Params: { name: string }; Querystring: { count?: string } }>(
    "/v1/hosts/:name/openings",
    { schema: { querystring: { type: "object", properties: { count: { type: "string", pattern: "^[1-9][0-9]?$" } } } } },
    async (request): Promise<{ openings: readonly OpeningView[] }> => {
      await authorize(request, tokens, "viewer");
      const target = request.params.name;
      const record = await hosts.get(target);
      if (record === undefined) throw new ControllerError("not-found", `no host is called ${target}`, { hint: "samepage host ls", target });
      const host = toFacts(record);
      const stored = await windows.list();
      const previewed = previewOpenings(calendarFor(createCalendar(stored.windows, stored.blackouts), host), Date.now(), host.zone).take(Number(request.query.count ?? 5));
      return {
        openings: previewed
          .map(({ name: window, opensAt, closesAt, inWindowZone, inHostZone }) => ({
            window,
            opensAt: opensAt === 0 ? null : instant(opensAt),
            closesAt: closesAt === null ? null : instant(closesAt),
            inWindowZone,
            inHostZone,
          }))
          .toArray(),
      };
    },
  );

  app.get<{ Querystring: { days?: string } }>(
    "/v1/openings",
    { schema: { querystring: { type: "object", properties: { days: { type: "string", pattern: "^([1-9]|[1-8][0-9]|9[0-2])$" } } } } },
    async (request): Promise<FleetOpeningsView> => {
      await authorize(request, tokens, "viewer");
      const [stored, records] = await Promise.all([windows.list(), hosts.list()]);
      const now = Date.now();
      const known = records.filter(({ revokedAt }) => revokedAt === null).map((record) => toFacts(record));
      const found = fleetOpenings(createCalendar(stored.windows, stored.blackouts), known, now, now + Number(request.query.days ?? defaultDays) * dayMs);
      return {
        openings: found.openings.map(({ name: window, opensAt, closesAt, inWindowZone, hosts: count }) => ({
          window,
          opensAt: instant(opensAt),
          closesAt: closesAt === null ? null : instant(closesAt),
          inWindowZone,
          hosts: count,
        })),
        unrestrictedHosts: found.unrestrictedHosts,
      };
    },
  );
}

function instant(at: number): string {
  return new Date(at).toISOString();
}

function checked(parse: () => void): void {
  try {
    parse();
  } catch (error) {
    if (!(error instanceof FleetError)) throw error;
    throw new ControllerError("invalid", error.message, { hint: error.hint, target: error.subject, cause: error });
  }
}

function toWindow(windowName: string, { selector, schedule, zone, durationSeconds }: Omit<WindowView, "name">): MaintenanceWindow {
  return { name: windowName, selector, schedule, zone, durationMs: durationSeconds * 1000 };
}

function toView({ name: windowName, selector, schedule, zone, durationMs }: MaintenanceWindow): WindowView {
  return { name: windowName, selector, schedule, zone, durationSeconds: durationMs / 1000 };
}

function toBlackoutView(blackout: Blackout): BlackoutView {
  return "schedule" in blackout ? toView(blackout) : blackout;
}
