import type { ApiClient } from "@samepage/controller/api";
import { CliError } from "../cli-error.ts";

/** The rollout's id as given, else the newest rollout's. @throws CliError where there is none. */
export async function rolloutOrNewest(api: ApiClient, id: string | undefined, signal: AbortSignal): Promise<string> {
  if (id !== undefined) return id;
  const [newest] = await api.rollouts.list(signal);
  if (newest === undefined) throw new CliError("not-found", "there has been no rollout yet", "Start one: samepage rollout create unify.");
  return newest.id;
}
