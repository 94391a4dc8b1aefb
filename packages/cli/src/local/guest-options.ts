import { resolve } from "node:path";
import type { Guest, PoolOptions } from "@samepage/unify";
import { many, text, toggle } from "../option.ts";
import type { Context } from "../verb.ts";
import { runningRoots } from "./running-roots.ts";
import { showProgress } from "./show-progress.ts";

/** What every `local` verb takes. */
export const guestArguments = { dirs: many("dir", "root directory of a guest", { completes: "directory" }) } as const;

export const guestOptions = {
  domain: text("name", "trust domain of these guests: nothing is ever shared across domains", { defaultText: "default" }),
  hostFirst: toggle("the first dir is the host's own root, / as a rule: it takes part without the guests that lie in it"),
  stateDir: text("dir", "where index and journal live", { defaultText: "/var/lib/samepage", completes: "directory" }),
} as const;

interface GuestInput {
  readonly dirs: readonly string[];
  readonly domain: string | undefined;
  readonly hostFirst: boolean;
  readonly stateDir: string | undefined;
}

/** The engine's options that all local verbs share. */
export async function poolOptions(input: GuestInput, context: Context): Promise<PoolOptions> {
  return {
    guests: await guestsOf(input),
    signal: context.signal,
    onProgress: showProgress(context.progress),
    ...(input.stateDir === undefined ? {} : { stateDir: resolve(input.stateDir) }),
  };
}

/** The engine judges the directories themselves: missing, nested, on other file systems. */
async function guestsOf({ dirs, domain = "default", hostFirst, stateDir }: GuestInput): Promise<readonly Guest[]> {
  const isRunning = await runningRoots();
  const [first, ...others] = await Promise.all(dirs.map(async (name): Promise<Guest> => ({ name, path: resolve(name), domain, state: await isRunning(name) })));
  if (first === undefined) return [];
  return hostFirst ? [await asHost(first, stateDir), ...others] : [first, ...others];
}

/** The agent knows where guests lie: those that are not named are not the host's either. */
async function asHost(guest: Guest, stateDir = "/var/lib/samepage"): Promise<Guest> {
  const { hostTree, readAgentConfig } = await import("@samepage/agent");
  const { guests } = await readAgentConfig("/etc/samepage/agent.yaml");
  return { ...guest, state: "running", host: await hostTree(guests.directories, guest.path === "/" ? "" : guest.path, resolve(stateDir)) };
}
