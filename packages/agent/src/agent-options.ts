import type { Logger } from "pino";
import type { AgentConfig } from "./config/agent-config.ts";
import type { UpgradePlaces } from "./upgrade/upgrade-places.ts";
import type { Engine } from "./jobs/engine.ts";

/** What `createAgent` takes; `samepage agent run` and `samepage up` hand it in. */
export interface AgentOptions {
  /** What agent.yaml says. Default: `/etc/samepage/agent.yaml`, or its defaults where there is none. */
  readonly config?: AgentConfig;
  /** Identity, jobs, unsent reports and the engine's index (0700). Losing all of it costs a re-scan, never data. Default `/var/lib/samepage`. */
  readonly stateDir?: string;
  /** Makes this host a member first, if it is none yet. */
  readonly enrolment?: {
    /** `host:port`. Default: agent.yaml's. */
    readonly controller?: string;
    /** Default: agent.yaml's, else the host name. */
    readonly host?: string;
    readonly token: string;
    /** `sha256:<hex>` of the controller's authority, as `token create` prints it. */
    readonly fingerprint: string;
  };
  /** What stands before every path that guests are looked for in. Default `""`, the host itself. */
  readonly root?: string;
  /** Default: the real one, `@samepage/unify`. */
  readonly engine?: Engine;
  /** Lets rollouts replace this agent by a version that the release key signed. Default: they cannot, as it is another program's to replace. */
  readonly upgrades?: UpgradePlaces;
  /** Default: a pino logger on stdout at level `info`. */
  readonly logger?: Logger;
  /** Closes the agent when it aborts. */
  readonly signal?: AbortSignal;
}

/** A running agent. */
export interface Agent {
  /** The name this host is known by. */
  readonly host: string;
  /** The controller's address. */
  readonly address: string;
  /** Where Prometheus finds it, `http://host:port`; undefined: nowhere. */
  readonly metrics: string | undefined;
  /** Resolves when a stream is open now, or opens next. */
  connected(): Promise<void>;
  /** Stops a running job with a consistent tree and keeps its report; safe to call twice. */
  close(): Promise<void>;
}
