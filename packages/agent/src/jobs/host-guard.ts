import { CowGuard, guardAvailability, keepGuard } from "@samepage/guard";
import type { InodeGuard } from "@samepage/unify";
import type { Logger } from "pino";
import type { AgentConfig } from "../config/agent-config.ts";

type Held = InodeGuard & AsyncDisposable;

/** The copy-on-write guard of this host, as jobs ask for it. */
export interface HostGuard {
  /** Whether files can be shared under it; the capability `guard.cow`. */
  readonly isAvailable: boolean;
  /** To share under; undefined where it is not available. */
  forSharing(): Promise<Held | undefined>;
  /** To lift marks with, also where nothing new is to be marked; undefined where nothing is marked. */
  forLifting(): Promise<Held | undefined>;
  /** Stops looking after the daemon, which goes on: guests are guarded while an agent restarts. */
  close(): Promise<void>;
}

/** Starts the guard where the kernel can carry it and agent.yaml allows it, and sees to it that it runs. */
export async function openHostGuard(config: Pick<AgentConfig, "cowGuard">, logger: Logger): Promise<HostGuard> {
  const forLifting = async () => CowGuard.inForce();
  if (config.cowGuard === "off") return { isAvailable: false, forSharing: async () => undefined, forLifting, close: async () => {} };
  const { mode, reason } = await guardAvailability();
  const isAvailable = mode === "copy";
  logger.info({ guard: mode, reason }, isAvailable ? "the copy-on-write guard is used" : "the copy-on-write guard cannot be used here");
  const closing = new AbortController();
  const kept = isAvailable
    ? keepGuard(
        {
          started: (pid) => logger.info({ pid }, "the copy-on-write guard answers"),
          lost: (error, againMs) => logger.warn({ err: error, againMs }, "the copy-on-write guard is not running: writes to shared files are refused until it is"),
        },
        closing.signal,
      )
    : Promise.resolve();
  return {
    isAvailable,
    forSharing: async () => (isAvailable ? CowGuard.ofThisHost() : undefined),
    forLifting,
    close: async () => {
      closing.abort();
      await kept;
    },
  };
}
