import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";

export const GUESTS = 10;
/** Of each guest's 200 MB so much is equal in all of them; the rest is its own, as in real guests. */
const EQUAL_MB = 150;
const OWN_MB = 50;

/** Pages saved when everything that can merge has merged: all copies but one. */
export const POSSIBLE = (GUESTS - 1) * EQUAL_MB * 256;

const program = join(import.meta.dirname, "../../packages/ksm/build/test/memory-guest");

/** Guests with their memory filled, not opted in yet. */
export class Guests implements AsyncDisposable {
  readonly #children: readonly ChildProcess[];

  private constructor(children: readonly ChildProcess[]) {
    this.#children = children;
  }

  /** Starts them under the name that ksmtuned counts: its own algorithm looks at `qemu-system… -enable-kvm` only. */
  static async start(): Promise<Guests> {
    const children = Array.from({ length: GUESTS }, (_, seed) =>
      spawn(program, [String(EQUAL_MB), "0", String(OWN_MB), String(seed + 1), "-enable-kvm"], { argv0: "qemu-system-samepage-bench", stdio: ["pipe", "pipe", "inherit"] }),
    );
    const guests = new Guests(children);
    for (const child of children) if (child.stdout !== null) await once(child.stdout, "data"); // `ready`
    return guests;
  }

  get pids(): number[] {
    return this.#children.flatMap(({ pid }) => pid ?? []);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(
      this.#children.map(async (child) => {
        if (child.exitCode !== null || child.signalCode !== null) return;
        const ended = once(child, "exit");
        child.kill("SIGKILL");
        await ended;
      }),
    );
  }
}
