import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { KsmError } from "./ksm-error.ts";

/** The native helpers of this package (native/). */
export type HelperName = "ksm-exec" | "ksm-deny" | "ksm-inject" | "ksm-unmerge" | "ksm-sample" | "libksm-preload.so" | "libksm-preload-madvise.so";

/**
 * The path of a helper: `build/` beside this code, in a checkout as in the installed package.
 * @throws KsmError helper when it is not there
 */
export function helperPath(name: HelperName): string {
  const path = join(import.meta.dirname, "../build", name);
  if (existsSync(path)) return path;
  throw new KsmError("helper", name, "is not installed", "install Samepage's package, or run npm run build in a checkout");
}

/** What a helper answered. */
export interface HelperResult {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a helper to its end. Rejects with helper when it cannot be started, and with an AbortError when aborted. */
export async function runHelper(name: HelperName, args: readonly string[], signal?: AbortSignal): Promise<HelperResult> {
  signal?.throwIfAborted();
  const child = spawn(helperPath(name), args, { stdio: ["ignore", "pipe", "pipe"], ...(signal === undefined ? {} : { signal }) });
  const collect = async (stream: AsyncIterable<unknown>): Promise<string> => {
    const parts: Buffer[] = [];
    for await (const part of stream) if (part instanceof Buffer) parts.push(part);
    return Buffer.concat(parts).toString();
  };
  const ended = new Promise<number | null>((resolve, reject) => {
    child.on("error", (cause) => {
      reject(signal?.aborted === true ? cause : new KsmError("helper", name, "cannot be started", "reinstall Samepage's package", cause));
    });
    child.on("close", resolve);
  });
  const [status, stdout, stderr] = await Promise.all([ended, collect(child.stdout), collect(child.stderr)]);
  return { status, stdout, stderr: stderr.trim() };
}
