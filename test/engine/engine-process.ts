import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import type { CancelOrder } from "./engine-child.ts";
import type { DeunifyReport, UnifyOptions, UnifyReport } from "@samepage/unify";

const child = join(import.meta.dirname, "engine-child.ts");

export interface EngineEnd<Report> {
  /** Absent when it was killed or failed. */
  readonly report: Report | undefined;
  readonly signal: NodeJS.Signals | null;
  readonly code: number | null;
  readonly stderr: string;
}

interface Reports {
  readonly plan: UnifyReport;
  readonly unify: UnifyReport;
  readonly deunify: DeunifyReport;
}

/**
 * Runs the engine in a process of its own.
 * @param wrapper a program in front of it, with its arguments (strace, prlimit, …)
 * @param started gets the process as soon as it runs, to kill it
 * @param cancel makes it cancel itself in the middle of its changes
 */
export async function runEngine<Verb extends keyof Reports>(
  verb: Verb,
  options: UnifyOptions,
  { wrapper = [], started = () => {}, cancel }: { wrapper?: readonly string[]; started?: (process: ChildProcess) => void; cancel?: CancelOrder } = {},
): Promise<EngineEnd<Reports[Verb]>> {
  const [program, ...args] = [...wrapper, process.execPath, child, JSON.stringify({ verb, options, cancel })] as const;
  const running = spawn(program, args, { stdio: ["ignore", "pipe", "pipe"] });
  let stdout = "";
  let stderr = "";
  running.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
  });
  running.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  started(running);
  const { code, signal } = await new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve, reject) => {
    running.once("error", reject).once("close", (code, signal) => resolve({ code, signal }));
  });
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- engine-child.ts prints exactly this.
  const report = code === 0 ? (JSON.parse(stdout) as Reports[Verb]) : undefined;
  return { report, signal, code, stderr };
}
