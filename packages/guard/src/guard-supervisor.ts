import { spawn } from "node:child_process";
import { mkdir, open } from "node:fs/promises";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { daemonPath, defaultGuardStateDir, defaultSocketPath } from "./daemon-path.ts";
import { GuardClient } from "./guard-client.ts";
import { GuardError } from "./guard-error.ts";

/**
 * How long a daemon that starts may say nothing. Verifying and attaching the programs takes about a second, much more on a
 * loaded or emulated machine; while it goes through a long log of marks it reports every 5 s.
 */
const silenceMs = 60_000;

/**
 * A connection to the guard: the running daemon's, or that of one started now. The daemon is in a session of its
 * own and outlives the caller, so that guests are guarded while an agent restarts; its log is `<stateDir>/log`.
 * Rejects with `unavailable` when it does not come up (its last words are in the message).
 */
export async function startGuard(options: { readonly socketPath?: string; readonly stateDir?: string; readonly signal?: AbortSignal } = {}): Promise<GuardClient> {
  const { socketPath = defaultSocketPath, stateDir = defaultGuardStateDir, signal } = options;
  const running = await GuardClient.connect(socketPath).catch(() => undefined);
  if (running) return running;
  await mkdir(stateDir, { recursive: true, mode: 0o700 });
  const logPath = join(stateDir, "log");
  await using log = await open(logPath, "a", 0o600);
  const { size: logStart } = await log.stat();
  const daemon = spawn(daemonPath, ["--state", resolve(stateDir), "--socket", resolve(socketPath)], { detached: true, stdio: ["ignore", "ignore", log.fd] });
  const failures: Error[] = [];
  daemon.once("error", (error) => failures.push(error));
  daemon.once("exit", (code, signalName) => failures.push(new Error(`exit ${code ?? signalName ?? "unknown"}`)));
  daemon.unref();
  let heard = performance.now();
  let heardBytes = logStart;
  while (failures.length === 0 && performance.now() < heard + silenceMs) {
    const client = await GuardClient.connect(socketPath).catch(() => undefined);
    if (client) return client;
    const { size } = await log.stat();
    if (size !== heardBytes) heard = performance.now();
    heardBytes = size;
    await sleep(50, undefined, signal ? { signal } : {});
  }
  if (failures.length === 0) daemon.kill();
  throw new GuardError("unavailable", daemonPath, `the guard does not start: ${await lastLine(logPath, logStart)}`, "`samepage doctor` says what this kernel lacks.", { cause: failures[0] });
}

async function lastLine(path: string, from: number): Promise<string> {
  await using file = await open(path);
  const { buffer, bytesRead } = await file.read({ position: from, buffer: Buffer.alloc(4096) });
  return buffer.toString("utf8", 0, bytesRead).trim().split("\n").at(-1) ?? "";
}
