import type { DiscoveredGuest } from "../discovery/discover-guests.ts";
import { readIfThere, removeDurable, writeDurable } from "../durable-file.ts";

/** How a host's KSM is to be kept, as the last rollout said. */
export interface KsmPolicy {
  /** The trust domain that merges: one content tree a host, so one domain a host. */
  readonly domain: string;
  /** Names of the guests that take part. */
  readonly guests: readonly string[];
  /** What ksmd may use of one core while it merges, percent 1…95. Default: the tuner's own. */
  readonly cpuPercent?: number;
  /** Merge empty pages with the kernel's zero page. */
  readonly zeroPages: boolean;
  /** Why the guests were put out again; nobody is enrolled until the next rollout. */
  readonly backedOff?: string;
}

/** Keeps the policy over restarts of the agent. */
export interface KsmPolicyFile {
  /** `undefined`: this host's KSM is not ours to keep. */
  read(): Promise<KsmPolicy | undefined>;
  /** @throws AgentError `state-dir`. */
  write(policy: KsmPolicy): Promise<void>;
  remove(): Promise<void>;
}

export function ksmPolicyFile(path: string): KsmPolicyFile {
  return {
    read: async () => {
      const kept = await readIfThere(path);
      return kept === undefined ? undefined : parse(kept.toString());
    },
    write: async (policy) => writeDurable(path, JSON.stringify(policy)),
    remove: async () => removeDurable(path),
  };
}

/** What a rollout chose, as a policy. */
export function policyFor(domain: string, guests: readonly DiscoveredGuest[], settings: Pick<KsmPolicy, "cpuPercent" | "zeroPages">): KsmPolicy {
  return { domain, guests: guests.map(({ name }) => name), ...settings };
}

/** Only we write the file; one that cannot be read means that nobody is enrolled, and that the host is tuned as before. */
function parse(text: string): KsmPolicy {
  const nobody: KsmPolicy = { domain: "", guests: [], zeroPages: false };
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return nobody;
  }
  if (typeof value !== "object" || value === null) return nobody;
  const found: Partial<Record<keyof KsmPolicy, unknown>> = value;
  return {
    domain: typeof found.domain === "string" ? found.domain : "",
    guests: Array.isArray(found.guests) ? found.guests.filter((name) => typeof name === "string") : [],
    zeroPages: found.zeroPages === true,
    ...(typeof found.cpuPercent === "number" ? { cpuPercent: found.cpuPercent } : {}),
    ...(typeof found.backedOff === "string" ? { backedOff: found.backedOff } : {}),
  };
}
