/** A host as the API shows it. Times are ISO 8601 in UTC. */
export interface HostView {
  /** Unique; comes from the host's certificate. */
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  /** `online`: its stream is open on some controller now. */
  readonly state: "online" | "offline" | "revoked";
  /** A cordoned host is left out of new work. */
  readonly cordoned: boolean;
  readonly enrolledAt: string;
  /** Last message from the agent; null before its first connection. */
  readonly lastSeenAt: string | null;
  /** When its certificate ends. */
  readonly certificateExpiresAt: string;
  /** How far the host's clock is ahead of the controller's, milliseconds (negative: behind); null before its first connection. */
  readonly clockOffsetMs: number | null;
  /** Null before its first connection. */
  readonly facts: HostFacts | null;
  readonly guestCount: number;
  /** The rollout that works on it now. */
  readonly rollout: string | null;
}

/** What the agent said about its host when it last connected. */
export interface HostFacts {
  readonly agentVersion: string;
  readonly kernel: string;
  readonly architecture: string;
  readonly operatingSystem: string;
  readonly cpus: number;
  readonly memoryBytes: number;
  /** IANA zone, e.g. `Europe/Berlin`. */
  readonly timeZone: string;
  /** What this host can do, e.g. `strategy.hardlink`, `guard.cow`, `ksm`. */
  readonly capabilities: readonly string[];
}

/** A guest as its host's agent last saw it. */
export interface GuestView {
  readonly host: string;
  /** Unique on the host, e.g. `lxc/web-1`. */
  readonly name: string;
  readonly provider: string;
  /** The root directory on the host. */
  readonly path: string;
  /** Trust domain: nothing is ever shared across domains. */
  readonly domain: string;
  readonly state: "running" | "stopped" | "unknown";
}

/** Labels given as null are removed; what is left out stays. */
export interface HostChange {
  readonly labels?: Readonly<Record<string, string | null>>;
  readonly cordoned?: boolean;
}
