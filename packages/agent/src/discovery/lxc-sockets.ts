import { readFile } from "node:fs/promises";
import { join } from "node:path";

/**
 * The abstract sockets of running LXC monitors: `<lxcpath>/<name>/command`, as liblxc's lxc_make_abstract_socket_name
 * makes them. A container whose path is too long for a socket address has a hashed name and is not found here.
 */
export async function readLxcSockets(root: string): Promise<ReadonlySet<string>> {
  const table = await readFile(join(root, "/proc/net/unix"), "utf8").catch(() => "");
  const names = table.split("\n").flatMap((line) => {
    const match = / @(?<path>\/.*\/command)$/u.exec(line);
    return match?.groups?.["path"] === undefined ? [] : [match.groups["path"]];
  });
  return new Set(names);
}
