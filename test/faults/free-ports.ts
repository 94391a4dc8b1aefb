import { once } from "node:events";
import { createServer } from "node:net";

/** TCP ports that nothing listens on, two or more: for servers that must come back on the port they had. */
export async function freePorts(count = 2): Promise<[number, number, ...number[]]> {
  const servers = Array.from({ length: count }, () => createServer());
  const [first = 0, second = 0, ...more] = await Promise.all(
    servers.map(async (server) => {
      server.listen(0, "127.0.0.1");
      await once(server, "listening");
      const address = server.address();
      return typeof address === "object" && address !== null ? address.port : 0;
    }),
  );
  for (const server of servers) server.close();
  return [first, second, ...more];
}
