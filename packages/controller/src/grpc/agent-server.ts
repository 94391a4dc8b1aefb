import { once } from "node:events";
import type { Socket } from "node:net";
import { Server, type ServiceDefinition, type UntypedServiceImplementation } from "@grpc/grpc-js";
import { AgentServiceService, CatalogServiceService, EnrolmentServiceService, HealthService, ReleaseServiceService, type AgentServiceServer, type CatalogServiceServer, type EnrolmentServiceServer, type HealthServer, type ReleaseServiceServer } from "@samepage/proto";
import { ControllerError } from "../api/controller-error.ts";
import type { ListenAddress } from "../listen-address.ts";
import type { Metrics } from "../metrics.ts";
import type { KeyPair } from "../pki/authority-files.ts";
import { messageOf } from "../thrown.ts";
import { createAcceptGate } from "./accept-gate.ts";
import { AgentPortCredentials } from "./agent-port-credentials.ts";

export interface AgentServerOptions {
  readonly listen: ListenAddress;
  readonly acceptsPerSecond: number;
  readonly server: KeyPair;
  /** PEM of the authorities whose client certificates are accepted. */
  readonly authorities: string;
  /** Counts what becomes of connections at the gate. */
  readonly connections: Metrics["connections"];
  /** Counts those let through to TLS. */
  readonly admitted: Metrics["admitted"];
  readonly agents: AgentServiceServer;
  readonly enrolment: EnrolmentServiceServer;
  readonly catalog: CatalogServiceServer;
  readonly release: ReleaseServiceServer;
  readonly health: HealthServer;
}

/** The one port for agents: streams of members and enrolment of newcomers. */
export interface AgentServer {
  /** `host:port` as really listened on. */
  readonly address: string;
  /** New connections see these from now on; open ones stay. */
  setCertificates(server: KeyPair, authorities: string): void;
  /** Ends a connection at once, by its peer's `address:port`. */
  cut(peer: string): void;
  close(): Promise<void>;
}

/** Agents keep their messages below 1 MiB; the rest is for framing. */
const receiveLimit = 1024 * 1024 + 64 * 1024;

/** Milliseconds that streams have to end by themselves when the server closes. */
const graceMs = 500;

/** @throws ControllerError `listen`. */
export async function createAgentServer(options: AgentServerOptions): Promise<AgentServer> {
  const grpc = new Server({
    // Without keepalive a dropped link raises no event. The agent pings every 60 s; slower here, so that one of both notices.
    "grpc.keepalive_time_ms": 120_000,
    "grpc.keepalive_timeout_ms": 20_000,
    "grpc.http2.min_ping_interval_without_data_ms": 10_000,
    "grpc.max_receive_message_length": receiveLimit,
    // An agent has one stream and, rarely, one call besides.
    "grpc.max_concurrent_streams": 8,
    "grpc.enable_channelz": 0,
  });
  addService(grpc, AgentServiceService, options.agents);
  addService(grpc, EnrolmentServiceService, options.enrolment);
  addService(grpc, CatalogServiceService, options.catalog);
  addService(grpc, ReleaseServiceService, options.release);
  addService(grpc, HealthService, options.health);
  const credentials = new AgentPortCredentials(options.server, options.authorities);
  const injector = grpc.createConnectionInjector(credentials);
  const sockets = new Map<string, Socket>();
  const listener = createAcceptGate({
    ratePerSecond: options.acceptsPerSecond,
    admit: (socket) => {
      options.connections.inc({ outcome: "admitted" });
      options.admitted.count();
      const peer = `${socket.remoteAddress}:${socket.remotePort}`;
      sockets.set(peer, socket);
      socket.once("close", () => sockets.delete(peer));
      injector.injectConnection(socket);
    },
    refused: () => options.connections.inc({ outcome: "refused" }),
  });
  listener.listen(options.listen);
  try {
    await once(listener, "listening");
  } catch (cause) {
    throw new ControllerError("listen", `cannot listen for agents: ${messageOf(cause)}`, { hint: "is another controller running here?", cause });
  }
  const bound = listener.address();
  return {
    address: bound === null || typeof bound === "string" ? "" : `${options.listen.host}:${bound.port}`,
    setCertificates: (server, authorities) => credentials.set(server, authorities),
    cut: (peer) => sockets.get(peer)?.destroy(),
    close: async () => {
      const closed = once(listener, "close");
      listener.close();
      injector.drain(graceMs);
      const force = setTimeout(() => injector.destroy(), graceMs);
      await closed;
      clearTimeout(force);
      injector.destroy();
      grpc.forceShutdown();
    },
  };
}

/** ts-proto's definitions have no index signature, which `addService` asks for. */
function addService(server: Server, definition: object, implementation: UntypedServiceImplementation): void {
  const indexed: ServiceDefinition = Object.assign(Object.create(null), definition);
  server.addService(indexed, implementation);
}
