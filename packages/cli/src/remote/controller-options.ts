import type { ControllerOptions } from "@samepage/controller";
import { onlyGiven } from "../only-given.ts";
import { integer, text, texts } from "../option.ts";

/** What `controller run` takes. */
export const controllerOptions = {
  stateDir: text("dir", "keys, certificates and the first admin token live here", { defaultText: "/var/lib/samepage-controller", completes: "directory" }),
  redis: text("url", "redis://…, rediss://… or unix:/path", { defaultText: "redis://127.0.0.1:6379" }),
  agentListen: text("host:port", "where agents connect; port 0 picks a free one", { defaultText: "0.0.0.0:7443" }),
  agentAddress: text("host:port", "what agents are told to connect to", { defaultText: "this machine's name and that port" }),
  apiListen: text("address", "where operators connect: host:port or unix:/path", { defaultText: "127.0.0.1:7480" }),
  name: texts("name", "host name or address that the server's certificate is for besides this machine's own; repeat for more"),
  releaseDir: text("dir", "the agent's packages, which hosts fetch when they are installed or upgraded", { defaultText: "/var/lib/samepage-release", completes: "directory" }),
  installUrl: text("url", "where hosts fetch the installer", { defaultText: "the name that agents connect to with the operators' port, if that is not this machine's only" }),
  certificateHours: integer("hours", 1, 720, "how long an agent's certificate lives", "24"),
  acceptsPerSecond: integer("n", 1, 100_000, "connections of agents accepted per second", "150"),
} as const;

interface ControllerInput {
  readonly stateDir: string | undefined;
  readonly redis: string | undefined;
  readonly agentListen: string | undefined;
  readonly agentAddress: string | undefined;
  readonly apiListen: string | undefined;
  readonly name: readonly string[];
  readonly releaseDir: string | undefined;
  readonly installUrl: string | undefined;
  readonly certificateHours: number | undefined;
  readonly acceptsPerSecond: number | undefined;
}

/** The controller's options; what was not given is left out, so that defaults live in one place. */
export function controllerOptionsOf({ name, ...input }: ControllerInput): ControllerOptions {
  return { ...onlyGiven(input), ...(name.length === 0 ? {} : { names: name }) };
}
