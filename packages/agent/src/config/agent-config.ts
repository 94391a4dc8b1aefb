import { readFile } from "node:fs/promises";
import { backgroundLimits } from "@samepage/unify";
import { parseDocument } from "yaml";
import { AgentError } from "../agent-error.ts";
import { codeOf, messageOf } from "../thrown.ts";
import { fields, listOf, oneOf, text, wholeNumber } from "./read-fields.ts";

/** Where guests are looked for without being told. */
const providerNames = ["lxc", "incus", "nspawn", "openvz", "vserver"] as const;
export type ProviderName = (typeof providerNames)[number];

/** Whether the copy-on-write guard is used: `auto` where the kernel can carry it, `off` never. */
const cowGuardChoices = ["auto", "off"] as const;

/** Whether template files may be put back into this host's guests, and sent from them. */
const restoreChoices = ["on", "off"] as const;

/** `/etc/samepage/agent.yaml`. Everything is optional; unknown keys are refused, because a mistyped one would silently not protect. */
export interface AgentConfig {
  /** Where the controller is, `host:port`. Default: none; enrolling remembers it. */
  readonly controller?: string;
  /** The name this host enrols with. Default: its host name. */
  readonly host?: string;
  readonly guests: {
    /** Which kinds of guests are looked for. Default: all of them; what is not installed is simply not found. */
    readonly providers: readonly ProviderName[];
    /** Patterns of directories that are guests, e.g. `/srv/guests/*`; `*` stands for one name. Default: none. */
    readonly directories: readonly string[];
    /** Patterns over guest names (`lxc/secret-*`) that are never touched. Default: none. */
    readonly exclude: readonly string[];
    /** Trust domains: the first pattern that matches a guest's name says its domain; nothing is ever shared across domains. Default: all guests in `default`. */
    readonly domains: readonly { readonly match: string; readonly domain: string }[];
    /**
     * `{ domain: NAME }` lets the host's own root share files with guests of that domain, as a guest named `host`. Default `off`,
     * here undefined: guests can then watch which files the host reads, and guard and pool are on the host's own programs.
     */
    readonly host?: { readonly domain: string };
  };
  /**
   * The copy-on-write guard: `auto` starts it with the agent where the kernel can carry it, keeps it running, and shares by
   * hard links under it; `off` leaves it to other means of sharing. Default `auto`: it is the one way to share that saves
   * memory and that a guest's write does not notice; where the kernel cannot, nothing is started. What is shared under it
   * already stays guarded with `off` too, as long as the daemon runs.
   */
  readonly cowGuard: (typeof cowGuardChoices)[number];
  /**
   * `on` lets operators put a template's files back into this host's guests, and lets hosts of the same domains fetch such
   * files from them by digest. Default `off`: it is the one operation by which whoever holds the controller decides what
   * guests' files contain.
   */
  readonly restore: (typeof restoreChoices)[number];
  readonly limits: Limits;
  readonly metrics: {
    /** Where Prometheus finds this agent, `host:port`, plain HTTP; `none`: nowhere. Default `127.0.0.1:7481`: guests' names are for this host alone. */
    readonly listen: string;
  };
}

/** How much of the host a job may have. */
export interface Limits {
  /** Whether its threads give way to all others (`priority: background`, the default) or compete (`normal`). */
  readonly background: boolean;
  /** Whether they work in short bursts and rest in between; as `background`. */
  readonly paced: boolean;
  /** Per cent of time, 1 … 100, that others wait for a disk, or anybody for memory, from which it rests; 100 never rests. Default 25. */
  readonly pressureLimit: number;
  /** Upper bound of the read rate, bytes per second, 1 MiB … 2^53-1. Default: none. */
  readonly bytesPerSecond?: number;
  /** Threads at most, 1 … 64. Default: in the background one for each four processors, at least one; else the engine's choice. */
  readonly threads?: number;
}

/** What an empty file means. */
export const defaultConfig: AgentConfig = { guests: { providers: providerNames, directories: [], exclude: [], domains: [] }, cowGuard: "auto", restore: "off", limits: backgroundLimits, metrics: { listen: "127.0.0.1:7481" } };

/** Reads the file; a missing one means the defaults. @throws AgentError `config` naming the line or key. */
export async function readAgentConfig(path: string): Promise<AgentConfig> {
  let source: string;
  try {
    source = await readFile(path, "utf8");
  } catch (cause) {
    if (codeOf(cause) === "ENOENT") return defaultConfig;
    throw new AgentError("config", `cannot read ${path}: ${messageOf(cause)}`, { target: path, cause });
  }
  return parseAgentConfig(source, path);
}

/** @throws AgentError `config`. */
export function parseAgentConfig(source: string, path: string): AgentConfig {
  const document = parseDocument(source);
  const [mistake] = document.errors;
  if (mistake !== undefined) throw new AgentError("config", `${path}: ${mistake.message.split("\n")[0]}`, { hint: "correct the YAML", target: path });
  const value: unknown = document.toJS();
  const top = fields(value ?? {}, path, ["controller", "host", "guests", "cowGuard", "restore", "limits", "metrics"]);
  const guests = fields(top["guests"] ?? {}, `${path}: guests`, ["providers", "directories", "exclude", "domains", "host"]);
  const limits = fields(top["limits"] ?? {}, `${path}: limits`, ["priority", "pressure", "bytesPerSecond", "threads"]);
  const metrics = fields(top["metrics"] ?? {}, `${path}: metrics`, ["listen"]);
  const isBackground = limits["priority"] === undefined || oneOf(limits["priority"], `${path}: limits.priority`, ["background", "normal"]) === "background";
  return {
    ...(top["controller"] === undefined ? {} : { controller: text(top["controller"], `${path}: controller`, /^[^\s:]+:\d{1,5}$|^\[[0-9a-fA-F:]+\]:\d{1,5}$/u, "host:port") }),
    ...(top["host"] === undefined ? {} : { host: text(top["host"], `${path}: host`, /^[A-Za-z0-9][A-Za-z0-9._-]*$/u, "letters, digits, dots, dashes and underscores") }),
    guests: {
      providers: listOf(guests["providers"], `${path}: guests.providers`, (item, where) => oneOf(item, where, providerNames)) ?? providerNames,
      directories: listOf(guests["directories"], `${path}: guests.directories`, (item, where) => text(item, where, /^\/(?!.*\/\.\.?(?:\/|$)).+/u, "an absolute path without . and ..")) ?? [],
      exclude: listOf(guests["exclude"], `${path}: guests.exclude`, (item, where) => text(item, where, /./u, "a pattern over guest names")) ?? [],
      domains: listOf(guests["domains"], `${path}: guests.domains`, toDomain) ?? [],
      ...(guests["host"] === undefined || guests["host"] === "off" ? {} : { host: { domain: domainName(fields(guests["host"], `${path}: guests.host`, ["domain"])["domain"], `${path}: guests.host.domain`) } }),
    },
    cowGuard: top["cowGuard"] === undefined ? "auto" : oneOf(top["cowGuard"], `${path}: cowGuard`, cowGuardChoices),
    restore: top["restore"] === undefined ? "off" : oneOf(top["restore"], `${path}: restore`, restoreChoices),
    limits: {
      background: isBackground,
      paced: isBackground,
      pressureLimit: limits["pressure"] === undefined ? backgroundLimits.pressureLimit : wholeNumber(limits["pressure"], `${path}: limits.pressure`, 1, 100),
      ...(limits["bytesPerSecond"] === undefined ? {} : { bytesPerSecond: wholeNumber(limits["bytesPerSecond"], `${path}: limits.bytesPerSecond`, 1024 * 1024, Number.MAX_SAFE_INTEGER) }),
      ...(limits["threads"] !== undefined ? { threads: wholeNumber(limits["threads"], `${path}: limits.threads`, 1, 64) } : isBackground ? { threads: backgroundLimits.threads } : {}),
    },
    metrics: { listen: metrics["listen"] === undefined ? defaultConfig.metrics.listen : text(metrics["listen"], `${path}: metrics.listen`, /^(?:none|[^\s:]+:\d{1,5}|\[[0-9a-fA-F:]+\]:\d{1,5})$/u, "host:port or none") },
  };
}

function toDomain(item: unknown, where: string): { match: string; domain: string } {
  const rule = fields(item, where, ["match", "domain"]);
  return { match: text(rule["match"], `${where}.match`, /./u, "a pattern over guest names"), domain: domainName(rule["domain"], `${where}.domain`) };
}

function domainName(value: unknown, where: string): string {
  return text(value, where, /^[A-Za-z0-9._-]{1,64}$/u, "up to 64 letters, digits, dots, dashes and underscores");
}
