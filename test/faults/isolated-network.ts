import { randomBytes } from "node:crypto";
import { run } from "@samepage/test-support";

/**
 * A network namespace for the controller and one for the agents, joined by a cable. The machine's own network is not touched.
 * Addresses are from 192.0.2.0/24, which RFC 5737 keeps free for such uses.
 */
export interface IsolatedNetwork extends AsyncDisposable {
  /** Words before a program's command line that run it on the controller's side. */
  readonly controller: readonly string[];
  readonly agents: readonly string[];
  /** The controller's side as the agents see it. */
  readonly controllerAddress: string;
  /** From now on nothing reaches the agents and nothing leaves them. Connections stay open: no one is told. */
  cut(): Promise<void>;
  /** From now on so many of a hundred packets are lost, in each direction. */
  lose(percent: number): Promise<void>;
  /** The network works again. */
  heal(): Promise<void>;
}

/** Why there can be none here; undefined when there can. */
export function isolatedNetworkSkipReason(): string | undefined {
  return process.getuid?.() === 0 ? undefined : "needs root to make network namespaces";
}

export async function openIsolatedNetwork(): Promise<IsolatedNetwork> {
  const id = `${process.pid}-${randomBytes(3).toString("hex")}`;
  const [controller, agents] = [`samepage-c-${id}`, `samepage-a-${id}`];
  const stack = new AsyncDisposableStack();
  try {
    for (const name of [controller, agents]) {
      await run("ip", ["netns", "add", name]);
      stack.defer(async () => void (await run("ip", ["netns", "del", name])));
      await run("ip", ["-n", name, "link", "set", "lo", "up"]);
    }
    await run("ip", ["-n", controller, "link", "add", "cable", "type", "veth", "peer", "name", "cable", "netns", agents]);
    for (const [name, address] of [
      [controller, "192.0.2.1/24"],
      [agents, "192.0.2.2/24"],
    ] as const) {
      await run("ip", ["-n", name, "addr", "add", address, "dev", "cable"]);
      await run("ip", ["-n", name, "link", "set", "cable", "up"]);
    }
  } catch (error) {
    await stack.disposeAsync();
    throw error;
  }
  const heal = async () => {
    await run("ip", ["netns", "exec", agents, "nft", "flush", "ruleset"]);
  };
  const drop = async (match: string) => {
    await heal();
    const chain = (hook: string) => `chain ${hook} {\n type filter hook ${hook} priority 0; policy accept;\n ${match} drop\n }\n`;
    await run("ip", ["netns", "exec", agents, "nft", "-f", "-"], { input: `table inet fault {\n ${chain("input")} ${chain("output")} }\n` });
  };
  return {
    controller: ["ip", "netns", "exec", controller],
    agents: ["ip", "netns", "exec", agents],
    controllerAddress: "192.0.2.1",
    cut: async () => drop("meta l4proto tcp"),
    // The kernel may lack netem; a rule that drops at random is the same to TCP.
    lose: async (percent) => drop(`numgen random mod 100 < ${percent}`),
    heal,
    [Symbol.asyncDispose]: async () => stack.disposeAsync(),
  };
}
