import { run } from "@samepage/test-support";
import type { UndoStack } from "./undo-stack.ts";

/** Where a program runs: words to put before its own command line. */
export interface Place {
  readonly prefix: readonly string[];
  /** IPv4 address that the others reach it by. */
  readonly address: string;
}

/**
 * A network of its own for each host and one for the controller, joined by a bridge in the controller's.
 * The machine's own network is not touched, so nothing there can collide and nothing can be left in it.
 * Addresses are from 192.0.2.0/24, which RFC 5737 keeps free for such uses.
 */
export async function makeNetworks(hosts: number, undo: UndoStack): Promise<{ readonly controller: Place; readonly hosts: readonly Place[] }> {
  const name = (number: number) => `samepage-${process.pid}-${number === 0 ? "controller" : number}`;
  const inside = async (number: number, ...words: string[]) => run("ip", ["-n", name(number), ...words]);
  for (let number = 0; number <= hosts; number++) {
    await run("ip", ["netns", "add", name(number)]);
    undo.push(`delete network namespace ${name(number)}`, async () => run("ip", ["netns", "del", name(number)]));
    await inside(number, "link", "set", "lo", "up");
  }
  await inside(0, "link", "add", "bridge", "type", "bridge");
  await inside(0, "addr", "add", "192.0.2.1/24", "dev", "bridge");
  await inside(0, "link", "set", "bridge", "up");
  for (let number = 1; number <= hosts; number++) {
    await inside(0, "link", "add", `host-${number}`, "type", "veth", "peer", "name", "eth0", "netns", name(number));
    await inside(0, "link", "set", `host-${number}`, "master", "bridge", "up");
    await inside(number, "addr", "add", `192.0.2.${number + 1}/24`, "dev", "eth0");
    await inside(number, "link", "set", "eth0", "up");
  }
  const place = (number: number): Place => ({ prefix: ["ip", "netns", "exec", name(number)], address: `192.0.2.${number + 1}` });
  return { controller: place(0), hosts: Array.from({ length: hosts }, (_, index) => place(index + 1)) };
}

/** Without root: every program in the machine's own network, on the loopback address. */
export function sharedNetwork(hosts: number): { readonly controller: Place; readonly hosts: readonly Place[] } {
  const here: Place = { prefix: [], address: "127.0.0.1" };
  return { controller: here, hosts: Array.from({ length: hosts }, () => here) };
}
