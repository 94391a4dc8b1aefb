import { readdirSync } from "node:fs";
import { guardAvailability, mayTrace } from "./guard-availability.ts";
import { GuardClient } from "./guard-client.ts";
import { GuardError } from "./guard-error.ts";
import { startGuard } from "./guard-supervisor.ts";

/** An inode to guard: open read-only, and held by a read lease of the caller while it is marked. */
interface InodeToGuard {
  readonly fd: number;
  readonly dev: bigint;
  readonly ino: bigint;
}

/** Where the daemon keeps its hooks (native/programs.c): they outlive it, and refuse writes without it. */
const pinnedHooks = "/sys/fs/bpf/samepage-guard";

/** Inodes of one request; the daemon reads lines of 64 KiB and takes 1,024 of them. */
const batchSize = 1000;

/**
 * The copy-on-write guard as the engine wants one (its `InodeGuard`): marks in the kernel through the daemon, which
 * is started with the first mark, so that planning changes nothing, and again should it have ended. Dispose it: an open
 * connection keeps a process alive.
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
      if (mode === "copy" && (await mayTrace())) return new CowGuard(Promise.resolve(running));
      running.close();
      return undefined;
    }
    const { mode } = await guardAvailability();
    return mode === "copy" ? new CowGuard() : undefined;
  }

  /** For lifting marks: the guard that runs, or whose hooks are in the kernel still, in whatever mode; undefined where nothing is marked. */
  static async inForce(): Promise<CowGuard | undefined> {
    const running = await GuardClient.connect().catch(() => undefined);
    if (running) return new CowGuard(Promise.resolve(running));
    return hasPinnedHooks() ? new CowGuard() : undefined;
  }

  /**
   * Marks `files`. Resolves when the kernel enforces every mark (each is tried) and it is on disk. Rejects with GuardError:
   * `busy` names an inode that somebody has open for writing. Marks of a call that fails half way may stay: the inodes
   * among them that are shared already must stay guarded, and the others cost nothing until they are unmarked.
   */
  async mark(files: readonly InodeToGuard[], signal: AbortSignal): Promise<void> {
    for (const batch of batches(files)) {
      throwIfCancelled(signal);
      const client = await this.#connect();
      await client.mark(batch);
    }
  }

  /** Lifts marks that `mark` set, of inodes that nothing was linked to since; others stay. After a lost connection all stay. */
  async unmark(files: readonly InodeToGuard[], signal: AbortSignal): Promise<void> {
    for (const batch of batches(files)) {
      throwIfCancelled(signal);
      const client = await this.#connect();
      await client.unmark(batch);
    }
  }

  /** Says that inodes have lost their last name: their marks go once nobody holds them any more. */
  async retire(files: readonly InodeToGuard[], signal: AbortSignal): Promise<void> {
    for (const batch of batches(files)) {
      throwIfCancelled(signal);
      const client = await this.#connect();
      await client.retire(batch);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const client = await this.#client?.catch(() => undefined);
    client?.close();
  }

  async #connect(): Promise<GuardClient> {
    const known = await this.#client?.catch(() => undefined);
    if (known !== undefined && !known.isClosed) return known;
    this.#client = startGuard();
    return this.#client;
  }
}

function hasPinnedHooks(): boolean {
  try {
    return readdirSync(pinnedHooks).length > 0;
  } catch {
    return false; // never started here, or not since the last boot
  }
}

function batches(files: readonly InodeToGuard[]): InodeToGuard[][] {
  return Array.from({ length: Math.ceil(files.length / batchSize) }, (_, index) => files.slice(index * batchSize, (index + 1) * batchSize));
}

function throwIfCancelled(signal: AbortSignal): void {
  if (signal.aborted) throw new GuardError("cancelled", "guard", "cancelled while marking", "What was marked already is unmarked with what it guards.", { cause: signal.reason });
}
