import type { Logger } from "pino";

/** What `createController` takes; `samepage controller run` and `samepage up` hand it in. */
export interface ControllerOptions {
  /** The CA's key, the server's certificate and the first admin token live here (0700). Default `/var/lib/samepage-controller`. */
  readonly stateDir?: string;
  /** `redis://…`, `rediss://…` or `unix:/path/to/redis.sock`. Default `redis://127.0.0.1:6379`. */
  readonly redis?: string;
  /** Where agents connect, `host:port`; port 0 picks a free one. Default `0.0.0.0:7443`. */
  readonly agentListen?: string;
  /** What agents are told to connect to. Default: the host's name and the port listened on. */
  readonly agentAddress?: string;
  /** Where operators connect: `host:port` (TLS by the controller's CA) or `unix:/path` (0600). Default `127.0.0.1:7480`. */
  readonly apiListen?: string;
  /** Host names and addresses besides this machine's own that the server certificate is for. Default none. */
  readonly names?: readonly string[];
  /** Hours that an agent's certificate lives, 1 … 720. Default 24: a stolen key is soon worthless, and an outage of a night is survived. */
  readonly certificateHours?: number;
  /** Connections of agents accepted per second, 1 … 100000. Default 150: each costs about 4.3 ms of a core for TLS. */
  readonly acceptsPerSecond?: number;
  /** Seconds between an agent's heartbeats, 1 … 300. Default 30; above 3,000 hosts a second for each 100 of them. Gates look at what heartbeats say; who is gone is known by keepalive, within 140 s. */
  readonly heartbeatSeconds?: number;
  /** Directory of the built dashboard, served at the API's address. Default: none is served. */
  readonly pageDirectory?: string;
  /** Directory of the agent's packages that hosts may fetch, as `npm run package` makes it; it may be empty. Default `/var/lib/samepage-release`. */
  readonly releaseDir?: string;
  /** Where hosts fetch the installer, `https://host:port`. Default: the name of `agentAddress` with the operators' port, unless that port is this machine's only. */
  readonly installUrl?: string;
  /** Default: a pino logger on stdout at level `info`. */
  readonly logger?: Logger;
  /** Closes everything when it aborts. */
  readonly signal?: AbortSignal;
}

/** A running controller. */
export interface Controller {
  /** Addresses as really listened on. */
  readonly address: { readonly agents: string; readonly api: string };
  /** Bearer token of the built-in admin; also in `<stateDir>/admin-token` (0600). */
  readonly adminToken: string;
  /** PEM of the CA that signed the server's certificate; also in `<stateDir>/ca.pem`. */
  readonly ca: string;
  /** Ends streams and listeners, waits for what is being written; safe to call twice. */
  close(): Promise<void>;
}
