/** What is known of a host, for selectors and plans. */
export interface HostFacts {
  /** The host's name, as its certificate says. */
  readonly name: string;
  /** Set by operators. A label may not be called like a fact (see FACT_NAMES). */
  readonly labels: { readonly [label: string]: string };
  /** Kernel release, e.g. `6.12.38+deb13-amd64`; "" where unknown. */
  readonly kernel: string;
  /** Machine, e.g. `x86_64`. */
  readonly arch: string;
  /** The distribution's id and version, e.g. `debian 12`. */
  readonly os: string;
  /** The host's IANA time zone, e.g. `Europe/Berlin`; "UTC" where unknown. */
  readonly zone: string;
}

/**
 * Names that a selector reads from the host itself. They are a closed set, so that an agent, which reports
 * the facts, can never pose as carrying an operator's label.
 */
export const FACT_NAMES = ["name", "kernel", "arch", "os", "zone"] as const;

type FactName = (typeof FACT_NAMES)[number];

/** Whether `key` is read from the host's facts rather than its labels. */
function isFactName(key: string): key is FactName {
  return (FACT_NAMES as readonly string[]).includes(key);
}

/** The value of a fact or label, undefined where the host has none. */
export function valueOf(host: HostFacts, key: string): string | undefined {
  if (isFactName(key)) return host[key] === "" ? undefined : host[key];
  return Object.hasOwn(host.labels, key) ? host.labels[key] : undefined;
}
