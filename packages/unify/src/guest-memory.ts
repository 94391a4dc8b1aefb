import { type Changes, ChangeWatch, type KnownChanges, LinuxError, type Tree } from "@samepage/linux";
import type { UnifyReport } from "./unify-report.ts";

/**
 * A day: what no event tells of (a store through a mapping that is never closed, a kernel's mistake) is found by then.
 * Nothing depends on it but saving: what a plan rests on is compared again before anything is changed.
 */
const fullEveryMs = 24 * 3600 * 1000;

/** What a pass starts from. */
export interface Remembered {
  /** The last pass's answer, where there was nothing to do and nothing has changed since. */
  readonly settled: { readonly report: UnifyReport; readonly hash: string } | undefined;
  /** The last pass's scan, and what changed since; undefined: everything must be looked at. */
  readonly known: { readonly tree: Tree; readonly changes: KnownChanges } | undefined;
}

/**
 * What a resident process remembers of its guests from pass to pass, so that a pass costs what changed: their names (about
 * 100 bytes each) and, through fanotify, which of them changed since. Losing it costs a walk. One pass at a time.
 */
export class GuestMemory implements Disposable {
  readonly #watch = new ChangeWatch();
  #question: string | undefined;
  #tree: Tree | undefined;
  #settled: Remembered["settled"];
  #walkedAt = 0;

  /**
   * To be called before a pass looks at anything; what it is told must be kept with `keep`, or is forgotten.
   * @param roots open directories, by number of guest in the scan
   * @param question everything besides the guests' files that the answer depends on
   */
  async recall(roots: readonly number[], question: string): Promise<Remembered> {
    const changes = await this.#changes(roots);
    const [tree, settled] = [this.#tree, this.#settled];
    const isSame = this.#question === question && performance.now() - this.#walkedAt < fullEveryMs;
    this.#forget();
    if (changes.kind === "full" || !isSame || tree === undefined) {
      this.#walkedAt = performance.now();
      return { settled: undefined, known: undefined };
    }
    const isQuiet = changes.paths.length === 0 && changes.inodes.length === 0;
    if (isQuiet && settled !== undefined) this.keep(tree, question, settled);
    return { settled: isQuiet ? settled : undefined, known: { tree, changes } };
  }

  /** Keeps what a pass has seen. A scan with failures is not to be kept: what could not be read is tried again. */
  keep(tree: Tree, question: string, settled?: Remembered["settled"]): void {
    this.#tree = tree;
    this.#question = question;
    this.#settled = settled;
  }

  /** Keeps an answer, where there was nothing to do: it holds until something changes. */
  settle(question: string, report: UnifyReport, hash: string): void {
    if (this.#question === question) this.#settled = { report, hash };
  }

  [Symbol.dispose](): void {
    this.#forget();
    this.#watch[Symbol.dispose]();
  }

  #forget(): void {
    this.#tree = undefined;
    this.#question = undefined;
    this.#settled = undefined;
  }

  async #changes(roots: readonly number[]): Promise<Changes> {
    try {
      return await this.#watch.take(roots);
    } catch (error) {
      // Not allowed to watch, or no descriptors or memory left for it: then by walking.
      if (error instanceof LinuxError) return { kind: "full", reason: "unsupported" };
      throw error;
    }
  }
}
