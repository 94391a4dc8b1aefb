import { chmod, rm } from "node:fs/promises";
import { createServer as createHttpsServer, Server as HttpsServer } from "node:https";
import fastify, { LogController, type FastifyBaseLogger, type FastifyInstance, type FastifyServerFactory, type FastifyServerOptions } from "fastify";
import type { Logger } from "pino";
import { ControllerError } from "../api/controller-error.ts";
import { parseListenAddress } from "../listen-address.ts";
import type { KeyPair } from "../pki/authority-files.ts";
import { messageOf } from "../thrown.ts";
import { sendError } from "./http-context.ts";

/** The operators' port. */
export interface ApiServer {
  /** `https://host:port` or `unix:/path`, as really listened on. */
  readonly address: string;
  /** New connections see it from now on. */
  setCertificate(certificate: KeyPair): void;
  close(): Promise<void>;
}

/** Request bodies are a few hundred bytes; exclude lists make the largest. */
const bodyLimit = 256 * 1024;

/** @throws ControllerError `listen`. */
export async function createApiServer(listen: string, certificate: KeyPair, logger: Logger, addRoutes: (app: FastifyInstance) => void): Promise<ApiServer> {
  const socketPath = listen.startsWith("unix:") ? listen.slice("unix:".length) : undefined;
  const loggerInstance: FastifyBaseLogger = logger;
  const common = { loggerInstance, bodyLimit, logController: new LogController({ disableRequestLogging: true }), forceCloseConnections: true, ajv: { customOptions: { discriminator: true, removeAdditional: false, coerceTypes: false } } } as const;
  const app = socketPath === undefined ? secure(common, certificate) : fastify(common);
  app.setErrorHandler((error, request, reply) => sendError(error, request, reply));
  app.setNotFoundHandler((request, reply) => sendError(new ControllerError("not-found", `there is no ${request.method} ${request.url.slice(0, 200)}`), request, reply));
  addRoutes(app);
  try {
    if (socketPath !== undefined) {
      // Left behind by a controller that was killed.
      await rm(socketPath, { force: true });
      await app.listen({ path: socketPath });
      await chmod(socketPath, 0o600);
      return { address: listen, setCertificate: () => {}, close: async () => app.close() };
    }
    await app.listen(parseListenAddress(listen));
  } catch (cause) {
    await app.close();
    if (cause instanceof ControllerError) throw cause;
    throw new ControllerError("listen", `cannot listen for operators on ${listen}: ${messageOf(cause)}`, { hint: "is another controller running here?", target: listen, cause });
  }
  const bound = app.server.address();
  if (bound === null || typeof bound === "string") throw new ControllerError("internal", "listening on no port", { target: listen });
  const host = bound.family === "IPv6" ? `[${bound.address}]` : bound.address;
  const setCertificate = ({ certificate: cert, key }: KeyPair) => {
    if (app.server instanceof HttpsServer) app.server.setSecureContext({ cert, key, minVersion: "TLSv1.2" });
  };
  return { address: `https://${host}:${bound.port}`, setCertificate, close: async () => app.close() };
}

/** Behind one type with the plain one: routes do not care what carries them. */
function secure(common: FastifyServerOptions, { certificate, key }: KeyPair): FastifyInstance {
  const serverFactory: FastifyServerFactory = (handler) => createHttpsServer({ cert: certificate, key, minVersion: "TLSv1.2" }, handler);
  return fastify({ ...common, serverFactory });
}
