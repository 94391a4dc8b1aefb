import { mkdir, readdir } from "node:fs/promises";
import { join } from "node:path";
import { Command, Report } from "@samepage/proto";
import { readIfThere, removeDurable, writeDurable } from "../durable-file.ts";

/**
 * Jobs on this host's disk. A command is written before it is acknowledged, a report before it is sent; both go when the
 * controller has the report. A command without a report is a job that was cut off.
 */
export interface JobSpool {
  /** Highest fence obeyed. */
  readonly fence: bigint;
  accept(command: Command): Promise<void>;
  /** Keeps the report; from then on the job is over. */
  finish(report: Report): Promise<void>;
  /** The controller has it. */
  forget(jobId: string, fence: bigint): Promise<void>;
  /** Reports that the controller has not acknowledged. */
  reports(): readonly Report[];
  /** The job of this id and fence was accepted before, and its report is still here or it runs. */
  knows(jobId: string, fence: bigint): boolean;
  /** Commands without a report, as found when the spool was opened. */
  readonly interrupted: readonly Command[];
}

/** Ids become file names. */
const jobIdPattern = /^[A-Za-z0-9][A-Za-z0-9.-]{0,99}$/u;

export function isJobId(id: string): boolean {
  return jobIdPattern.test(id);
}

/** @throws AgentError `state-dir`. */
export async function openJobSpool(stateDir: string): Promise<JobSpool> {
  const dir = join(stateDir, "jobs");
  await mkdir(dir, { recursive: true, mode: 0o700 });
  const fenceFile = join(dir, "fence");
  let fence = BigInt((await readIfThere(fenceFile))?.toString("utf8").trim() ?? "0");
  const commands = new Map<string, Command>();
  const reports = new Map<string, Report>();
  for (const name of await readdir(dir)) {
    const content = await readIfThere(join(dir, name));
    if (content === undefined) continue;
    if (name.endsWith(".command")) commands.set(name.slice(0, -".command".length), Command.decode(content));
    if (name.endsWith(".report")) reports.set(name.slice(0, -".report".length), Report.decode(content));
  }
  const interrupted = [...commands].flatMap(([key, command]) => (reports.has(key) ? [] : [command]));

  return {
    get fence() {
      return fence;
    },
    interrupted,
    accept: async (command) => {
      const key = keyOf(command.jobId, command.fence);
      await writeDurable(join(dir, `${key}.command`), Command.encode(command).finish());
      await writeDurable(fenceFile, `${command.fence}\n`);
      fence = command.fence;
      commands.set(key, command);
    },
    finish: async (report) => {
      const key = keyOf(report.jobId, report.fence);
      // Known from here on even when the disk is full: it is sent from memory then.
      reports.set(key, report);
      await writeDurable(join(dir, `${key}.report`), Report.encode(report).finish());
    },
    forget: async (jobId, oldFence) => {
      const key = keyOf(jobId, oldFence);
      commands.delete(key);
      reports.delete(key);
      // The command first: a report alone is sent once more, a command alone would be a job that was cut off.
      await removeDurable(join(dir, `${key}.command`));
      await removeDurable(join(dir, `${key}.report`));
    },
    reports: () => [...reports.values()],
    knows: (jobId, oldFence) => commands.has(keyOf(jobId, oldFence)),
  };
}

function keyOf(jobId: string, fence: bigint): string {
  return `${jobId}.${fence}`;
}
