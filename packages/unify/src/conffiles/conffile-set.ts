import { DatabaseFault } from "./database-fault.ts";

/** A guest with a hundred thousand packages stays below this; a database that says more is made to exhaust us. */
const mostBytes = 64 * 1024 * 1024;
/** Linux's PATH_MAX: nothing longer can name a file. */
const longestPath = 4096;

/** Collects configuration files' paths, bytes as latin1, each absolute within the guest. */
export class ConffileSet {
  readonly paths = new Set<string>();
  #bytes = 0;

  /** Adds a path; what cannot name a file below the root is not added. */
  add(path: string): void {
    if (!path.startsWith("/") || path.length > longestPath || path.includes("\0")) return;
    this.#insert(path);
    // Packages from before /usr was merged name files by the old path; the walk finds them at the new one.
    if (/^\/(?:bin|sbin|lib|lib32|lib64|libx32)\//u.test(path)) this.#insert(`/usr${path}`);
  }

  #insert(path: string): void {
    if (this.paths.has(path)) return;
    this.#bytes += path.length;
    if (this.#bytes > mostBytes) throw new DatabaseFault("corrupt", `names more than ${mostBytes} bytes of configuration files`);
    this.paths.add(path);
  }
}
