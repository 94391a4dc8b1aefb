/** `GET /v1/health`, open to anyone who reaches the address: whether this controller can work. */
export interface HealthView {
  readonly state: "ok" | "degraded";
  readonly version: string;
  /** Why it is degraded; empty when ok. */
  readonly problems: readonly string[];
  /** Agents' streams on this controller. */
  readonly streams: number;
}
