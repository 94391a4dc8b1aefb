import { resolve } from "node:path";
import type { Guest, PoolOptions } from "@samepage/unify";
import { many, text } from "../option.ts";
import type { Context } from "../verb.ts";
import { runningRoots } from "./running-roots.ts";
import { showProgress } from "./show-progress.ts";

/** What every `local` verb takes. */
export const guestArguments = { dirs: many("dir", "root directory of a guest", { completes: "directory" }) } as const;

export const guestOptions = {
  domain: text("name", "trust domain of these guests: nothing is ever shared across domains", { defaultText: "default" }),
  stateDir: text("dir", "where index and journal live", { defaultText: "/var/lib/samepage", completes: "directory" }),
} as const;

interface GuestInput {
  readonly dirs: readonly string[];
  readonly domain: string | undefined;
  readonly stateDir: string | undefined;
}

/** The engine's options that all local verbs share. */
export async function poolOptions(input: GuestInput, context: Context): Promise<PoolOptions> {
  return {
    guests: await guestsOf(input.dirs, input.domain ?? "default"),
    signal: context.signal,
    onProgress: showProgress(context.progress),
    ...(input.stateDir === undefined ? {} : { stateDir: resolve(input.stateDir) }),
  };
}

/** The engine judges the directories themselves: missing, nested, on other file systems. */
async function guestsOf(dirs: readonly string[], domain: string): Promise<readonly Guest[]> {
  const isRunning = await runningRoots();
  return Promise.all(dirs.map(async (name) => ({ name, path: resolve(name), domain, state: await isRunning(name) })));
}
