import { guardAvailability } from "./guard-availability.ts";
import { GuardClient } from "./guard-client.ts";
import { GuardError } from "./guard-error.ts";
import { startGuard } from "./guard-supervisor.ts";

/** An inode to guard: open read-only, and held by a read lease of the caller while it is marked. */
interface InodeToGuard {
  readonly fd: number;
  readonly dev: bigint;
  readonly ino: bigint;
}

/** Inodes of one request; the daemon reads lines of 64 KiB and takes 1,024 of them. */
const batchSize = 1000;

/**
 * The copy-on-write guard as the engine wants one (its `InodeGuard`): marks in the kernel through the daemon, which
 * is started with the first mark, so that planning changes nothing. Dispose it: an open connection keeps a process alive.
 */
export class CowGuard {
  #client: Promise<GuardClient> | undefined;

  private constructor(client?: Promise<GuardClient>) {
    this.#client = client;
  }

  /** The guard of this host, or undefined where the kernel cannot copy on write. */
  static async ofThisHost(): Promise<CowGuard | undefined> {
    const running = await GuardClient.connect().catch(() => undefined);
    if (running) {
      const { mode } = await running.status();
      if (mode === "copy") return new CowGuard(Promise.resolve(running));
      running.close();
      return undefined;
    }
    const { mode } = await guardAvailability();
    return mode === "copy" ? new CowGuard() : undefined;
  }

  /**
   * Marks all of `files` or none. Resolves when the kernel enforces every mark (each is tried) and it is on disk.
   * Rejects with GuardError: `busy` names an inode that somebody has open for writing.
   */
  async mark(files: readonly InodeToGuard[], signal: AbortSignal): Promise<void> {
    const done: InodeToGuard[] = [];
    try {
      for (const batch of batches(files)) {
        throwIfCancelled(signal);
        const client = await this.#connect();
        await client.mark(batch);
        done.push(...batch);
      }
    } catch (error) {
      for (const batch of batches(done)) await (await this.#connect()).unmark(batch);
      throw error;
    }
  }

  /** Lifts marks; inodes without one are ignored. */
  async unmark(files: readonly InodeToGuard[], signal: AbortSignal): Promise<void> {
    for (const batch of batches(files)) {
      throwIfCancelled(signal);
      const client = await this.#connect();
      await client.unmark(batch);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const client = await this.#client?.catch(() => undefined);
    client?.close();
  }

  async #connect(): Promise<GuardClient> {
    this.#client ??= startGuard();
    return this.#client;
  }
}

function batches(files: readonly InodeToGuard[]): InodeToGuard[][] {
  return Array.from({ length: Math.ceil(files.length / batchSize) }, (_, index) => files.slice(index * batchSize, (index + 1) * batchSize));
}

function throwIfCancelled(signal: AbortSignal): void {
  if (signal.aborted) throw new GuardError("cancelled", "guard", "cancelled while marking", "Nothing of this call stays marked.", { cause: signal.reason });
}
