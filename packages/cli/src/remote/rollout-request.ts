import { type CreateRollout, operationKinds, type OperationKind } from "@samepage/controller/api";
import { CliError } from "../cli-error.ts";
import { bytes, choice, duration, integer, one, text, texts, toggle } from "../option.ts";
import { gateForms, parseGates } from "./parse-gates.ts";
import { onlyGiven } from "../only-given.ts";
import { readExcludes } from "../read-excludes.ts";

/** What `rollout create` and `rollout plan` take: one shape, so that a plan is always of what creating would do. */
export const rolloutArguments = { operation: one("operation", "what to do on each host", { choices: operationKinds }) } as const;

export const rolloutOptions = {
  name: text("name", "a name for people", { defaultText: "the operation" }),
  selector: text("selector", "which hosts: terms joined by commas, all of which must hold, e.g. env=prod,name~web-*,kernel>=5.10", { defaultText: "all" }),
  guest: texts("pattern", "only guests with such names (* and ?); repeat for more"),
  canary: text("n|%", "hosts tried before all others, the first that can be worked on; 0 for none", { defaultText: "1" }),
  waves: text("sizes", "sizes of the waves after the canary, counts or percentages joined by commas; what is left over is one more wave", { defaultText: "one wave" }),
  concurrency: integer("n", 1, 10_000, "hosts worked on at the same time", "10"),
  failureBudget: text("n|%", "failed hosts that are borne before the rollout stops", { defaultText: "10%" }),
  soak: duration("wait between waves: 90s, 15m, 2h, 7d", "none"),
  gate: texts("condition", `what must hold on a wave's hosts before the next one begins: ${gateForms}; repeat for more`),
  missedWindow: text("next|skip|time", "a host whose window closes before it is done: go on in its next window, leave it out, or go on if that opens within a time such as 2h", { defaultText: "next" }),
  windowWait: duration("how long a wave waits for hosts whose windows are closed; those that open later do not hold up the next wave", "8d"),
  ignoreWindows: toggle("run now, whatever windows and blackouts say"),
  offline: choice("policy", ["skip", "fail", "wait"], "an offline or cordoned host after the grace: leave it out, count it as failed, or take it when it turns up", "skip"),
  offlineGrace: duration("how long an offline or cordoned host is waited for", "10m"),
  timeout: duration("how long one host may take; it then stops by itself", "6h"),
  interruptions: integer("n", 0, 1000, "restarts of its agent that are borne before a host has failed; more where hosts often restart", "3"),
  strategy: choice("strategy", ["auto", "hardlink", "reflink"], "how files share", "auto"),
  guard: choice("guard", ["cow", "immutable", "none"], "what protects a shared file", "the strongest each host has"),
  minSize: bytes("leave smaller files alone", "16"),
  scope: choice("scope", ["all", "template"], "template: share only what the catalog of a guest's domain knows", "all"),
  ignoreMtime: toggle("unify files that differ only in modification time"),
  excludeFrom: text("file", "exclude rules in vunify-exclude syntax", { defaultText: "the built-in list", completes: "file" }),
  domain: text("name", "for ksm-tune: only guests of this trust domain", { defaultText: "all, if they are of one domain" }),
  cpu: integer("percent", 1, 95, "for ksm-tune: what ksmd may use of one core while it merges", "70"),
  zeroPages: toggle("for ksm-tune: merge empty pages with the kernel's zero page"),
  to: text("version", "for upgrade: the agent's version; an older one only where it ran just before", { defaultText: "that of the controller's release" }),
} as const;

interface RolloutInput {
  readonly operation: string;
  readonly name: string | undefined;
  readonly selector: string | undefined;
  readonly guest: readonly string[];
  readonly canary: string | undefined;
  readonly waves: string | undefined;
  readonly concurrency: number | undefined;
  readonly failureBudget: string | undefined;
  readonly soak: number | undefined;
  readonly gate: readonly string[];
  readonly missedWindow: string | undefined;
  readonly windowWait: number | undefined;
  readonly ignoreWindows: boolean;
  readonly offline: "skip" | "fail" | "wait" | undefined;
  readonly offlineGrace: number | undefined;
  readonly timeout: number | undefined;
  readonly interruptions: number | undefined;
  readonly strategy: "auto" | "hardlink" | "reflink" | undefined;
  readonly guard: "cow" | "immutable" | "none" | undefined;
  readonly minSize: number | undefined;
  readonly scope: "all" | "template" | undefined;
  readonly ignoreMtime: boolean;
  readonly excludeFrom: string | undefined;
  readonly domain: string | undefined;
  readonly cpu: number | undefined;
  readonly zeroPages: boolean;
  readonly to: string | undefined;
}

/** The controller's request; what was not given is left out, so that defaults live in one place. */
export async function rolloutRequest(input: RolloutInput): Promise<CreateRollout> {
  const kind = operationKinds.find((candidate): candidate is OperationKind => candidate === input.operation) ?? "plan";
  const settings = onlyGiven({
    strategy: input.strategy,
    guard: input.guard,
    minSize: input.minSize,
    scope: input.scope,
    ignoreMtime: input.ignoreMtime || undefined,
    excludes: input.excludeFrom === undefined ? undefined : await readExcludes(input.excludeFrom),
  });
  const hasSettings = Object.keys(settings).length > 0;
  if (hasSettings && kind !== "plan" && kind !== "unify") {
    throw new CliError("bad-argument", `${kind} takes no strategy, guard or limits`, "They are for plan and unify; leave them out.");
  }
  const ksm = onlyGiven({ domain: input.domain, cpuPercent: input.cpu, zeroPages: input.zeroPages || undefined });
  const hasKsm = Object.keys(ksm).length > 0;
  if (hasKsm && kind !== "ksm-tune") throw new CliError("bad-argument", `${kind} takes no --domain, --cpu or --zero-pages`, "They are for ksm-tune; leave them out.");
  if (input.to !== undefined && kind !== "upgrade") throw new CliError("bad-argument", `${kind} takes no --to`, "It is for upgrade; leave it out.");
  return {
    operation: { kind, ...(input.guest.length === 0 ? {} : { guests: input.guest }), ...(hasSettings ? { settings } : {}), ...(hasKsm ? { ksm } : {}), ...(input.to === undefined ? {} : { upgrade: { version: input.to } }) },
    ...onlyGiven({
      name: input.name,
      selector: input.selector,
      canary: input.canary,
      waves: input.waves?.split(",").map((size) => size.trim()),
      concurrency: input.concurrency,
      failureBudget: input.failureBudget,
      soakSeconds: input.soak,
      gates: input.gate.length === 0 ? undefined : parseGates(input.gate),
      missedWindow: input.missedWindow,
      windowWaitSeconds: input.windowWait,
      ignoreWindows: input.ignoreWindows || undefined,
      offline: input.offline,
      offlineGraceSeconds: input.offlineGrace,
      jobTimeoutSeconds: input.timeout,
      interruptions: input.interruptions,
    }),
  };
}
