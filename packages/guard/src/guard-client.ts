import { type Socket, createConnection } from "node:net";
import { createInterface } from "node:readline";
import { defaultSocketPath } from "./daemon-path.ts";
import { type Reply, isEvent, isStatus, parseDaemonMessage } from "./daemon-message.ts";
import { GuardError, type GuardErrorCode } from "./guard-error.ts";
import type { GuardEvent, GuardStatus } from "./guard-status.ts";

interface Waiting {
  readonly resolve: (reply: Reply) => void;
  readonly reject: (error: GuardError) => void;
}

/** An inode as the daemon wants it named: its number and a descriptor of this process. */
interface DescriptorAndInode {
  readonly fd: number;
  readonly ino: bigint;
}

const remedies: Readonly<Record<string, { readonly code: GuardErrorCode; readonly message: string; readonly hint: string }>> = {
  busy: { code: "busy", message: "is open for writing", hint: "Skip it now; it can be shared once its writer has closed it." },
  "not-enforced": { code: "not-enforced", message: "the kernel does not enforce its mark", hint: "Restart the guard; if its file system's module was loaded after it, this attaches the hooks anew." },
  "unsupported-file-system": { code: "unsupported-file-system", message: "its file system is not ext4, XFS or btrfs", hint: "Use another guard there." },
  "not-mounted": { code: "not-mounted", message: "its file system is not mounted for writing where the guard runs", hint: "Mount it in the host's own mount namespace." },
  "unknown-device": { code: "unknown-device", message: "what its file system's device is made of cannot be worked out, so guests could write to it directly", hint: "Use another guard there; for a loop device keep its file where it was, on ext4, XFS or btrfs." },
  "too-many-marks": { code: "too-many-marks", message: "the kernel's table of marks is full", hint: "It holds 4,194,304 marks: raise the minimum size of what is shared." },
};

/**
 * A connection to the guard's daemon. Requests are answered in order; a lost connection rejects what waits.
 * Every method rejects with a GuardError.
 */
export class GuardClient {
  readonly #socket: Socket;
  readonly #path: string;
  readonly #waiting = new Map<number, Waiting>();
  readonly #listeners = new Set<(event: GuardEvent) => void>();
  readonly #closed = Promise.withResolvers<void>();
  #next = 1;
  #lost: GuardError | undefined;

  private constructor(socket: Socket, path: string) {
    this.#socket = socket;
    this.#path = path;
    socket.on("error", (cause) => this.#lose(cause));
    socket.on("close", () => this.#lose());
    createInterface({ input: socket }).on("line", (line) => this.#receive(line));
  }

  /** Connects to a running daemon; rejects with `not-running` when none answers. */
  static async connect(path: string = defaultSocketPath): Promise<GuardClient> {
    const socket = createConnection({ path });
    await new Promise<void>((resolve, reject) => {
      socket.once("connect", resolve);
      socket.once("error", (cause) => reject(notRunning(path, cause)));
    });
    return new GuardClient(socket, path);
  }

  /** Resolves when the connection is no more: closed here, or the daemon has ended. */
  get closed(): Promise<void> {
    return this.#closed.promise;
  }

  get isClosed(): boolean {
    return this.#lost !== undefined;
  }

  async status(): Promise<GuardStatus> {
    const reply = await this.#request("status");
    if (!isStatus(reply)) throw otherVersion(this.#path, "no status");
    return reply;
  }

  /** Marks all or none; resolves when the kernel enforces every mark and it would survive a power loss. */
  async mark(files: readonly DescriptorAndInode[]): Promise<void> {
    await this.#request(`mark ${words(files)}`);
  }

  /** Lifts marks that this connection set and shared nothing through; others stay. */
  async unmark(files: readonly DescriptorAndInode[]): Promise<void> {
    await this.#request(`unmark ${words(files)}`);
  }

  /** Says that inodes have lost their last name: their marks go once nobody holds them any more. */
  async retire(files: readonly DescriptorAndInode[]): Promise<void> {
    await this.#request(`retire ${words(files)}`);
  }

  /** Takes every hook out of the kernel and ends the daemon: nothing is guarded any more. */
  async remove(): Promise<void> {
    await this.#request("remove");
  }

  /** Calls `listener` for every break from now on, until the connection is closed. */
  async watch(listener: (event: GuardEvent) => void): Promise<void> {
    this.#listeners.add(listener);
    await this.#request("watch");
  }

  close(): void {
    this.#lose();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  async #request(words: string): Promise<Reply> {
    if (this.#lost) throw this.#lost;
    const id = this.#next++;
    const reply = await new Promise<Reply>((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#socket.write(`${id} ${words}\n`);
    });
    if (reply.ok) return reply;
    const subject = reply.ino === undefined || reply.ino === "0" ? this.#path : `inode ${reply.ino}`;
    const remedy = remedies[reply.code ?? ""];
    if (remedy) throw new GuardError(remedy.code, subject, remedy.message, remedy.hint);
    throw otherVersion(subject, reply.code ?? "nothing known");
  }

  #receive(line: string): void {
    let message: Reply | GuardEvent;
    try {
      message = parseDaemonMessage(line);
    } catch (cause) {
      this.#lose(cause);
      return;
    }
    if (isEvent(message)) {
      for (const listener of this.#listeners) listener(message);
      return;
    }
    this.#waiting.get(message.id)?.resolve(message);
    this.#waiting.delete(message.id);
  }

  #lose(cause?: unknown): void {
    this.#lost ??= notRunning(this.#path, cause);
    for (const { reject } of this.#waiting.values()) reject(this.#lost);
    this.#waiting.clear();
    this.#socket.destroy();
    this.#closed.resolve();
  }
}

function words(files: readonly DescriptorAndInode[]): string {
  return files.map(({ fd, ino }) => `${fd}:${ino}`).join(" ");
}

function otherVersion(subject: string, answer: string): GuardError {
  return new GuardError("protocol", subject, `the guard answered ${answer}`, "See the guard's log; the two may be of different versions.");
}

function notRunning(path: string, cause: unknown): GuardError {
  return new GuardError("not-running", path, "no guard answers", "Start it: `samepage doctor` says whether this kernel can carry it.", { cause });
}
