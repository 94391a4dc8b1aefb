import { execFile } from "node:child_process";
import { access, readFile } from "node:fs/promises";
import { release } from "node:os";
import { promisify } from "node:util";
import { daemonPath } from "./daemon-path.ts";
import { type GuardAvailability, type GuardFacts, judgeAvailability, noTracing } from "./judge-availability.ts";

/** Loading and verifying the programs takes under a second; a loaded machine may need more. */
const probeTimeoutMs = 30_000;

/** Whether this host can carry the guard, as `samepage doctor` and strategy `auto` ask: loads the programs for a moment. */
export async function guardAvailability(): Promise<GuardAvailability> {
  const isRoot = process.getuid?.() === 0;
  const [securityModules, hasTypeInformation, hasDaemon, ptraceScope] = await Promise.all([
    readFile("/sys/kernel/security/lsm", "utf8").then(
      (text) => text.trim().split(","),
      () => undefined,
    ),
    exists("/sys/kernel/btf/vmlinux"),
    exists(daemonPath),
    readPtraceScope(),
  ]);
  const facts: GuardFacts = { kernelRelease: release(), isRoot, securityModules, hasTypeInformation, hasDaemon, ptraceScope, probe: undefined };
  const verdict = judgeAvailability(facts);
  if (verdict.mode === "none") return verdict;
  return judgeAvailability({ ...facts, probe: await probe() });
}

/** Whether the kernel lets callers be held: that may be taken back while the guard runs. */
export async function mayTrace(): Promise<boolean> {
  return (await readPtraceScope()) !== noTracing;
}

async function readPtraceScope(): Promise<number | undefined> {
  return readFile("/proc/sys/kernel/yama/ptrace_scope", "utf8").then(Number, () => undefined);
}

async function probe(): Promise<GuardFacts["probe"]> {
  try {
    const { stdout } = await promisify(execFile)(daemonPath, ["--probe"], { timeout: probeTimeoutMs });
    return { mode: stdout.trim() === "copy" ? "copy" : "deny" };
  } catch (error) {
    const stderr = error instanceof Error && "stderr" in error ? String(error.stderr) : "";
    return { error: stderr.trim().split("\n").at(-1) || String(error) };
  }
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
