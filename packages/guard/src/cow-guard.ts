import type { GuardClient } from "./guard-client.ts";
import { GuardError } from "./guard-error.ts";

/** An inode to guard: open read-only, and held by a read lease of the caller while it is marked. */
interface InodeToGuard {
  readonly fd: number;
  readonly dev: bigint;
  readonly ino: bigint;
}

/** Inodes of one request; the daemon reads lines of 64 KiB and takes 1,024 of them. */
const batchSize = 1000;

/** The copy-on-write guard as the engine wants one (its `InodeGuard`): marks in the kernel through the daemon. */
export class CowGuard {
  readonly #client: GuardClient;

  constructor(client: GuardClient) {
    this.#client = client;
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
        await this.#client.mark(batch);
        done.push(...batch);
      }
    } catch (error) {
      for (const batch of batches(done)) await this.#client.unmark(batch);
      throw error;
    }
  }

  /** Lifts marks; inodes without one are ignored. */
  async unmark(files: readonly InodeToGuard[], signal: AbortSignal): Promise<void> {
    for (const batch of batches(files)) {
      throwIfCancelled(signal);
      await this.#client.unmark(batch);
    }
  }
}

function batches(files: readonly InodeToGuard[]): InodeToGuard[][] {
  return Array.from({ length: Math.ceil(files.length / batchSize) }, (_, index) => files.slice(index * batchSize, (index + 1) * batchSize));
}

function throwIfCancelled(signal: AbortSignal): void {
  if (signal.aborted) throw new GuardError("cancelled", "guard", "cancelled while marking", "Nothing of this call stays marked.", { cause: signal.reason });
}
