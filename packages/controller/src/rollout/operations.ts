import { Guard, KsmAction, Scope, Strategy, type Operation as WireOperation } from "@samepage/proto";
import type { KsmSettings, Operation, UnifySettings } from "../api/operation.ts";

/** An operation as an agent is told it. */
export function toWireOperation({ kind, guests = [], settings = {}, ksm = {}, template, upgrade }: Operation): WireOperation {
  if (kind === "upgrade") return { guestPatterns: [], kind: { $case: "upgrade", value: { version: upgrade?.version ?? "" } } };
  return { guestPatterns: [...guests], kind: wireKind(kind, settings, ksm, template) };
}

function wireKind(kind: Exclude<Operation["kind"], "upgrade">, settings: UnifySettings, ksm: KsmSettings, template: Operation["template"]): WireOperation["kind"] {
  switch (kind) {
    case "plan":
    case "unify":
      return { $case: kind, value: toUnifyOperation(settings) };
    case "publish-template":
      return { $case: "publishTemplate", value: { path: template?.path ?? "", domain: template?.domain ?? "" } };
    case "drift":
      return { $case: "drift", value: { template: template?.name ?? "", version: template?.version ?? "", assigned: [...(template?.assigned ?? [])] } };
    case "restore": {
      const { name = "", version = "", paths = [], adoptPrelink = false } = template ?? {};
      return { $case: "restore", value: { template: name, version, paths: paths.map((path) => Buffer.from(path)), adoptPrelink } };
    }
    case "candidates":
      return { $case: "candidates", value: { minSize: BigInt(settings.minSize ?? 0) } };
    case "deunify":
    case "verify":
    case "gc":
      return { $case: kind, value: {} };
    case "ksm-tune":
      return { $case: "ksm", value: toKsmOperation(KsmAction.TUNE, ksm) };
    case "ksm-restore":
      return { $case: "ksm", value: toKsmOperation(KsmAction.RESTORE, {}) };
  }
}

const strategies = { auto: Strategy.UNSPECIFIED, hardlink: Strategy.HARDLINK, reflink: Strategy.REFLINK } as const;
const guards = { cow: Guard.COW, immutable: Guard.IMMUTABLE, none: Guard.NONE } as const;

function toUnifyOperation({ strategy = "auto", guard, excludes = [], minSize = 0, ignoreMtime = false, scope }: UnifySettings) {
  return {
    strategy: strategies[strategy],
    guard: guard === undefined ? Guard.UNSPECIFIED : guards[guard],
    excludes: [...excludes],
    minSize: BigInt(minSize),
    ignoreMtime,
    scope: scope === "template" ? Scope.TEMPLATE : Scope.ALL,
  };
}

function toKsmOperation(action: KsmAction, { domain = "", cpuPercent = 0, zeroPages = false }: KsmSettings) {
  return { action, domain, cpuPercent, zeroPages };
}
