import { globToRegExp } from "@samepage/fleet";
import { Guard, KsmAction, type Operation, type Report, Scope, Strategy, type UnifyOperation } from "@samepage/proto";
import type { GuardName, GuestMemory, StrategyChoice, UnifyOptions } from "@samepage/unify";
import { AgentError } from "../agent-error.ts";
import type { CatalogCalls } from "../catalog/catalog-calls.ts";
import type { CatalogKeeper } from "../catalog/catalog-keeper.ts";
import { compareGuests } from "../catalog/compare-guests.ts";
import { findUncovered } from "../catalog/find-uncovered.ts";
import { guestOfOtherDomain } from "../catalog/guest-of-other-domain.ts";
import { publishTemplate } from "../catalog/publish-template.ts";
import { restoreGuests } from "../catalog/restore-guests.ts";
import type { Limits } from "../config/agent-config.ts";
import { defaultDomain, type DiscoveredGuest, withoutHost } from "../discovery/discover-guests.ts";
import type { KsmKeeper } from "../ksm/ksm-keeper.ts";
import { agentVersion } from "../host-facts.ts";
import type { Upgrades } from "../upgrade/upgrades.ts";
import type { Engine } from "./engine.ts";
import type { HostGuard } from "./host-guard.ts";
import { requireUnified } from "./require-unified.ts";
import { toDeunifyResult, toGcResult, toUnifyResult, toVerifyResult } from "./to-result.ts";

/** What a job needs of its host. */
export interface OperationContext {
  readonly engine: Engine;
  readonly guests: () => Promise<readonly DiscoveredGuest[]>;
  /** Also those without a tree to unify. */
  readonly memoryGuests: () => Promise<readonly DiscoveredGuest[]>;
  /** The controller's catalog, on a connection of its own. */
  readonly catalog: (signal: AbortSignal) => CatalogCalls;
  /** What the domains' templates consist of, as this host knows it. */
  readonly catalogs: CatalogKeeper;
  /** What stands before every absolute path that an operator names; `""` on a real host. */
  readonly root: string;
  readonly jobId: string;
  readonly stateDir: string;
  readonly ksm: KsmKeeper;
  /** What the engine remembers of the guests from job to job. */
  readonly memory: GuestMemory;
  readonly guard: Pick<HostGuard, "forSharing" | "forLifting">;
  readonly upgrades: Pick<Upgrades, "order">;
  /** Whether agent.yaml lets operators put files back. */
  readonly mayRestore: boolean;
  readonly limits: Limits;
  readonly signal: AbortSignal;
  readonly onProgress: NonNullable<UnifyOptions["onProgress"]>;
}

type Result = NonNullable<Report["result"]>;

/**
 * Does an operation; the signal stops it with a consistent tree and a result that says so. Undefined: its end is to be waited for
 * (an upgrade; this process may not see it).
 * @throws UnifyError of the engine, or AgentError `discovery`.
 */
export async function runOperation({ guestPatterns, kind }: Operation, context: OperationContext): Promise<Result | undefined> {
  const { engine, memory, stateDir, limits, signal, onProgress } = context;
  if (kind?.$case === "upgrade") {
    const { version } = kind.value;
    const done = await context.upgrades.order(version, context.jobId, signal);
    return done === "ordered" ? undefined : { $case: "upgrade", value: { from: agentVersion, to: agentVersion } };
  }
  if (kind?.$case === "publishTemplate") {
    const { path, domain } = kind.value;
    const tree = `${context.root}${path}`;
    const other = guestOfOtherDomain(tree, domain === "" ? defaultDomain : domain, await context.guests());
    if (other !== undefined) {
      throw new AgentError("other-domain", `${path} holds or lies in ${other.name}, a guest of domain ${other.domain}`, { hint: `publish it with --domain ${other.domain}, or from a tree of its own`, target: path });
    }
    using calls = context.catalog(signal);
    return { $case: "publish", value: await publishTemplate(tree, context.jobId, calls, { limits, signal }) };
  }
  // What is put back is the host's: the guests that were merged may be gone by now.
  if (kind?.$case === "ksm" && kind.value.action === KsmAction.RESTORE) return { $case: "ksm", value: await context.ksm.restore(signal) };
  if (kind?.$case === "ksm") {
    const { domain, cpuPercent, zeroPages } = kind.value;
    const chosen = chooseGuests(ofDomain(await context.memoryGuests(), domain), guestPatterns);
    return { $case: "ksm", value: await context.ksm.tune(chosen, { ...(cpuPercent === 0 ? {} : { cpuPercent }), zeroPages }, signal) };
  }
  const all = await context.guests();
  const isOfTemplates = kind?.$case === "drift" || kind?.$case === "restore" || kind?.$case === "candidates";
  const guests = chooseGuests(isOfTemplates ? withoutHost(all) : all, guestPatterns);
  const domains = new Set(guests.map(({ domain }) => domain));
  const common = { guests, stateDir, signal, onProgress };
  switch (kind?.$case) {
    case "plan": {
      await using cowGuard = await context.guard.forSharing();
      using plan = await engine.planUnify({ ...common, ...limits, ...toSettings(kind.value), ...given(cowGuard), memory, ...(await toScope(kind.value, domains, context)) });
      return { $case: "unify", value: toUnifyResult(plan.report) };
    }
    case "unify": {
      await using cowGuard = await context.guard.forSharing();
      const options = { ...common, ...limits, ...toSettings(kind.value), ...given(cowGuard), memory, ...(await toScope(kind.value, domains, context)) };
      using plan = await engine.planUnify(options);
      return { $case: "unify", value: toUnifyResult(plan.report.stopped === undefined ? requireUnified(plan.report, await engine.applyPlan(plan, options)) : plan.report) };
    }
    case "deunify": {
      await using cowGuard = await context.guard.forLifting();
      return { $case: "deunify", value: toDeunifyResult(await engine.deunify({ ...common, ...limits, ...given(cowGuard) })) };
    }
    case "verify":
      return { $case: "verify", value: toVerifyResult(await engine.verifyPool({ ...common, ...limits })) };
    case "gc": {
      await using cowGuard = await context.guard.forLifting();
      return { $case: "gc", value: toGcResult(await engine.collectGarbage({ ...common, ...limits, ...given(cowGuard) })) };
    }
    case "drift": {
      using calls = context.catalog(signal);
      return { $case: "drift", value: await compareGuests(kind.value, guests, calls, { limits, signal }) };
    }
    case "restore": {
      if (!context.mayRestore) throw new AgentError("restore-off", "this host does not let operators put files back into its guests", { hint: "write restore: on to agent.yaml if it shall; see docs/security.md, a compromised controller" });
      using calls = context.catalog(signal);
      return { $case: "restore", value: await restoreGuests(kind.value, guests, withoutHost(all), calls, { limits, signal }) };
    }
    case "candidates": {
      const covers = await context.catalogs.known(domains, signal);
      using calls = context.catalog(signal);
      return { $case: "candidates", value: await findUncovered(kind.value, context.jobId, guests, covers, calls, { limits, signal }) };
    }
    case undefined:
      throw new AgentError("internal", "an operation that this agent does not know was accepted");
  }
}

/** @throws AgentError `discovery`. */
function ofDomain(guests: readonly DiscoveredGuest[], domain: string): readonly DiscoveredGuest[] {
  if (domain === "") return guests;
  const chosen = guests.filter((guest) => guest.domain === domain);
  if (chosen.length > 0) return chosen;
  throw new AgentError("discovery", `no guest of this host is of domain ${domain}`, { hint: "see samepage guest ls; agent.yaml says which guest is of which domain" });
}

function chooseGuests(guests: readonly DiscoveredGuest[], patterns: readonly string[]): readonly DiscoveredGuest[] {
  const matches = patterns.map(globToRegExp);
  const chosen = matches.length === 0 ? guests : guests.filter(({ name }) => matches.some((pattern) => pattern.test(name)));
  if (chosen.length > 0) return chosen;
  const what = patterns.length === 0 ? "no guest was found on this host" : `no guest of this host is called ${patterns.join(", ")}`;
  throw new AgentError("discovery", what, { hint: "see samepage guest ls; agent.yaml can name directories" });
}

const strategies: Record<number, StrategyChoice> = { [Strategy.HARDLINK]: "hardlink", [Strategy.REFLINK]: "reflink" };
const guards: Record<number, GuardName> = { [Guard.COW]: "cow", [Guard.IMMUTABLE]: "immutable", [Guard.NONE]: "none" };

function toSettings({ strategy, guard, excludes, minSize, ignoreMtime }: UnifyOperation): Partial<UnifyOptions> {
  const chosen = guards[guard];
  return {
    strategy: strategies[strategy] ?? "auto",
    ...(chosen === undefined ? {} : { guard: chosen }),
    ...(excludes.length === 0 ? {} : { excludes }),
    ...(minSize === 0n ? {} : { minSize: Number(minSize) }),
    ignoreMtime,
  };
}

/** A run that is limited to templates asks for the newest catalogs first. */
async function toScope({ scope }: UnifyOperation, domains: ReadonlySet<string>, { catalogs, signal }: OperationContext): Promise<Pick<UnifyOptions, "catalog">> {
  return scope === Scope.TEMPLATE ? { catalog: await catalogs.scopes(domains, signal) } : {};
}

function given(cowGuard: UnifyOptions["cowGuard"]): Pick<UnifyOptions, "cowGuard"> {
  return cowGuard === undefined ? {} : { cowGuard };
}
