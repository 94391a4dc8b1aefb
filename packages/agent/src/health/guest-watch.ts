import type { DiscoveredGuest } from "../discovery/discover-guests.ts";
import { readIfThere, writeDurable } from "../durable-file.ts";

/** Knows which guests ran before a job, so that it can be said which of them do not any more. */
export interface GuestWatch {
  /** Takes down who runs before this job's work begins. A job that is given again keeps what was taken down the first time. */
  before(jobId: string): Promise<void>;
  /** Names of guests that ran then and do not now, in order. */
  down(): Promise<readonly string[]>;
}

interface Taken {
  readonly jobId: string;
  readonly running: readonly string[];
}

/** @param file outlives the agent: a guest that died together with it must not be forgotten. */
export async function openGuestWatch(file: string, guests: () => Promise<readonly DiscoveredGuest[]>): Promise<GuestWatch> {
  let taken = parse((await readIfThere(file))?.toString());
  const running = async () => (await guests()).filter(({ state }) => state === "running").map(({ name }) => name);
  return {
    before: async (jobId) => {
      if (taken.jobId === jobId) return;
      taken = { jobId, running: await running() };
      await writeDurable(file, JSON.stringify(taken));
    },
    down: async () => {
      // Most hosts of a simulated fleet run nothing: looking for guests is the dear part.
      if (taken.running.length === 0) return [];
      const now = new Set(await running());
      return taken.running.filter((name) => !now.has(name));
    },
  };
}

/** Only we write the file; one that cannot be read says nothing of anybody. */
function parse(text: string | undefined): Taken {
  try {
    const value: unknown = JSON.parse(text ?? "{}");
    if (typeof value === "object" && value !== null && "jobId" in value && typeof value.jobId === "string" && "running" in value && Array.isArray(value.running)) {
      return { jobId: value.jobId, running: value.running.filter((name) => typeof name === "string") };
    }
  } catch {
    // As below.
  }
  return { jobId: "", running: [] };
}
