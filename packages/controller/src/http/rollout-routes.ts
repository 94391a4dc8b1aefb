import type { RolloutCommand } from "@samepage/fleet";
import type { FastifyInstance } from "fastify";
import { ControllerError } from "../api/controller-error.ts";
import { operationKinds } from "../api/operation.ts";
import type { RolloutReportView } from "../api/report-view.ts";
import type { RolloutOutcomeView } from "../api/rollout-outcome-view.ts";
import type { CreateRollout, ProgressView, RolloutPlanView, RolloutSummary, RolloutView } from "../api/rollout-view.ts";
import { createRollback, createRollout, planRollout } from "../rollout/create-rollout.ts";
import type { RolloutStore } from "../rollout/rollout-store.ts";
import type { RolloutRunner } from "../rollout/rollout-runner.ts";
import { toOutcome, toPlanView, toReport, toSummary, toView } from "../rollout/rollout-views.ts";
import type { ReleaseDirectory } from "../release/release-directory.ts";
import { withVersion } from "../release/with-version.ts";
import type { HostStore } from "../stores/host-store.ts";
import type { TokenStore } from "../stores/token-store.ts";
import { authorize } from "./http-context.ts";

export interface RolloutRouteDeps {
  readonly rollouts: RolloutStore;
  readonly hosts: HostStore;
  readonly tokens: TokenStore;
  readonly runner: RolloutRunner;
  /** The newest progress of the hosts that work on a rollout. */
  readonly progressOf: (rollout: string) => ReadonlyMap<string, ProgressView>;
  readonly release: ReleaseDirectory;
}

const share = { type: "string", maxLength: 16 };
const gates = {
  type: "array",
  maxItems: 10,
  items: {
    type: "object",
    required: ["kind"],
    discriminator: { propertyName: "kind" },
    oneOf: [
      { type: "object", additionalProperties: false, required: ["kind", "maxFailed"], properties: { kind: { const: "jobs" }, maxFailed: share } },
      {
        type: "object",
        additionalProperties: false,
        required: ["kind", "resource", "maxPercent"],
        properties: { kind: { const: "psi" }, resource: { enum: ["cpu", "memory", "io"] }, maxPercent: { type: "number", minimum: 0, maximum: 100 }, except: share },
      },
      { type: "object", additionalProperties: false, required: ["kind"], properties: { kind: { enum: ["guests", "ksm"] } } },
    ],
  },
};
const createSchema = {
  type: "object",
  required: ["operation"],
  additionalProperties: false,
  properties: {
    name: { type: "string", minLength: 1, maxLength: 200 },
    operation: {
      type: "object",
      required: ["kind"],
      additionalProperties: false,
      properties: {
        kind: { enum: [...operationKinds] },
        guests: { type: "array", maxItems: 1000, items: { type: "string", minLength: 1, maxLength: 1024 } },
        settings: {
          type: "object",
          additionalProperties: false,
          properties: {
            strategy: { enum: ["auto", "hardlink", "reflink"] },
            guard: { enum: ["cow", "immutable", "none"] },
            excludes: { type: "array", maxItems: 1000, items: { type: "string", maxLength: 4096 } },
            minSize: { type: "integer", minimum: 1, maximum: Number.MAX_SAFE_INTEGER },
            ignoreMtime: { type: "boolean" },
            scope: { enum: ["all", "template"] },
          },
        },
        ksm: {
          type: "object",
          additionalProperties: false,
          properties: {
            domain: { type: "string", pattern: "^[A-Za-z0-9._-]{1,64}$" },
            cpuPercent: { type: "integer", minimum: 1, maximum: 95 },
            zeroPages: { type: "boolean" },
          },
        },
        upgrade: { type: "object", additionalProperties: false, properties: { version: { type: "string", maxLength: 64 } } },
      },
    },
    selector: { type: "string", maxLength: 4096 },
    canary: share,
    waves: { type: "array", maxItems: 100, items: share },
    concurrency: { type: "integer", minimum: 1, maximum: 10_000 },
    failureBudget: share,
    failureMinimumSample: { type: "integer", minimum: 1, maximum: 100_000 },
    soakSeconds: { type: "integer", minimum: 0, maximum: 604_800 },
    gates,
    offlineGraceSeconds: { type: "integer", minimum: 0, maximum: 2_592_000 },
    offline: { enum: ["skip", "fail", "wait"] },
    missedWindow: { type: "string", maxLength: 32 },
    windowWaitSeconds: { type: "integer", minimum: 0, maximum: 31_536_000 },
    ignoreWindows: { type: "boolean" },
    jobTimeoutSeconds: { type: "integer", minimum: 60, maximum: 604_800 },
    interruptions: { type: "integer", minimum: 0, maximum: 1000 },
  },
};

/** Creates a rollout, takes its first step and shows it. */
export async function startRollout(request: CreateRollout, actor: string, { hosts, rollouts, runner, progressOf }: Omit<RolloutRouteDeps, "tokens" | "release">): Promise<RolloutView> {
  const id = await createRollout(request, actor, { hosts, rollouts });
  await runner.step(id);
  const stored = await rollouts.get(id);
  if (stored === undefined) throw new ControllerError("internal", `rollout ${id} is gone`, { target: id });
  return toView(stored, await rollouts.reports(id), progressOf(id), await runner.explain(id));
}

export function addRolloutRoutes(app: FastifyInstance, { rollouts, hosts, tokens, runner, progressOf, release }: RolloutRouteDeps): void {
  const existing = async (id: string) => {
    const stored = await rollouts.get(id);
    if (stored === undefined) throw new ControllerError("not-found", `no rollout has the id ${id}`, { hint: "samepage rollout ls", target: id });
    return stored;
  };
  const view = async (id: string): Promise<RolloutView> => toView(await existing(id), await rollouts.reports(id), progressOf(id), await runner.explain(id));

  app.post<{ Body: CreateRollout }>("/v1/rollouts", { schema: { body: createSchema } }, async (request): Promise<RolloutView> => {
    const operator = await authorize(request, tokens, "operator");
    return startRollout(await withVersion(request.body, release), operator.name, { hosts, rollouts, runner, progressOf });
  });

  app.post<{ Body: CreateRollout }>("/v1/rollouts/plan", { schema: { body: createSchema } }, async (request): Promise<RolloutPlanView> => {
    await authorize(request, tokens, "viewer");
    return toPlanView(planRollout(await withVersion(request.body, release), await hosts.list(), Date.now()));
  });

  app.get("/v1/rollouts", async (request): Promise<{ rollouts: readonly RolloutSummary[] }> => {
    await authorize(request, tokens, "viewer");
    const found = await Promise.all((await rollouts.ids()).map(async (id) => rollouts.get(id)));
    return { rollouts: found.filter((stored) => stored !== undefined).map(toSummary) };
  });

  app.get<{ Params: { id: string } }>("/v1/rollouts/:id", async (request): Promise<RolloutView> => {
    await authorize(request, tokens, "viewer");
    return view(request.params.id);
  });

  app.get<{ Params: { id: string } }>("/v1/rollouts/:id/outcome", async (request): Promise<RolloutOutcomeView> => {
    await authorize(request, tokens, "viewer");
    return toOutcome(await existing(request.params.id));
  });

  app.get<{ Params: { id: string } }>("/v1/rollouts/:id/report", async (request): Promise<RolloutReportView> => {
    await authorize(request, tokens, "viewer");
    const stored = await existing(request.params.id);
    return toReport(stored, await rollouts.reports(request.params.id));
  });

  app.post<{ Params: { id: string } }>("/v1/rollouts/:id/rollback", async (request): Promise<RolloutView> => {
    const operator = await authorize(request, tokens, "operator");
    const id = await createRollback(request.params.id, operator.name, rollouts);
    await runner.step(id);
    return view(id);
  });

  const orders: Record<string, (actor: string) => RolloutCommand> = {
    pause: (actor) => ({ type: "pause", reason: `paused by ${actor}` }),
    resume: () => ({ type: "resume" }),
    abort: (actor) => ({ type: "abort", reason: `aborted by ${actor}` }),
    retry: () => ({ type: "retry" }),
  };
  for (const [verb, toCommand] of Object.entries(orders)) {
    app.post<{ Params: { id: string } }>(`/v1/rollouts/:id/${verb}`, async (request): Promise<RolloutView> => {
      const operator = await authorize(request, tokens, "operator");
      await runner.step(request.params.id, { command: toCommand(operator.name), actor: operator.name });
      return view(request.params.id);
    });
  }
}
