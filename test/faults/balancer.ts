import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";

/** What stands before several controllers: one address, each connection goes to the next controller that takes it. */
export interface Balancer extends AsyncDisposable {
  /** `host:port`. */
  readonly address: string;
}

/** @param ports of the controllers on 127.0.0.1. TLS is the agents' and the controllers' own business. */
export async function startBalancer(ports: readonly number[]): Promise<Balancer> {
  const open = new Set<Socket>();
  let turn = 0;
  const server = createServer((agent) => void forward(agent));
  const forward = async (agent: Socket) => {
    keep(agent);
    agent.pause();
    for (let tried = 0; tried < ports.length; tried++) {
      const controller = await reach(ports[turn++ % ports.length] ?? 0);
      if (controller === undefined) continue;
      keep(controller);
      agent.pipe(controller).pipe(agent);
      agent.once("close", () => controller.destroy());
      controller.once("close", () => agent.destroy());
      return;
    }
    agent.destroy();
  };
  const keep = (socket: Socket) => {
    open.add(socket);
    // A connection that breaks is what the tests are about.
    socket.on("error", () => socket.destroy());
    socket.once("close", () => open.delete(socket));
  };
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  return {
    address: `127.0.0.1:${typeof address === "object" && address !== null ? address.port : 0}`,
    [Symbol.asyncDispose]: async () => {
      server.close();
      for (const socket of open) socket.destroy();
    },
  };
}

async function reach(port: number): Promise<Socket | undefined> {
  const socket = connect(port, "127.0.0.1");
  return once(socket, "connect").then(
    () => socket,
    () => undefined,
  );
}
