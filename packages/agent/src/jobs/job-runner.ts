import { setTimeout as sleep } from "node:timers/promises";
import { type Ack, AckResult, type Cancel, type Command, type JobError, type JobState, Outcome, type Progress, type Report } from "@samepage/proto";
import { CatalogError } from "@samepage/catalog";
import { KsmError } from "@samepage/ksm";
import { UnifyError } from "@samepage/unify";
import type { Logger } from "pino";
import { AgentError } from "../agent-error.ts";
import { messageOf } from "../thrown.ts";
import { isJobId, type JobSpool } from "./job-spool.ts";
import { type OperationContext, runOperation } from "./run-operation.ts";

/** Runs one job at a time. */
export interface JobRunner {
  /**
   * Takes a command: written to disk before this resolves with the answer. The work goes on by itself.
   * @param until milliseconds until a time of the controller's, ns since the epoch; see ControllerClock.
   */
  accept(command: Command, until: (atNs: bigint) => number): Promise<Ack>;
  /** Goes on waiting for the end of a job that has outlived the process before this one. */
  resume(command: Command): void;
  /** Stops the job, if it is this one that runs. */
  cancel(cancel: Cancel): void;
  /** Jobs whose report is not acknowledged. */
  jobs(): JobState[];
  /** Stops what runs and waits for its report to be kept. */
  close(): Promise<void>;
}

export interface JobRunnerDeps {
  readonly spool: JobSpool;
  readonly context: Omit<OperationContext, "signal" | "onProgress" | "jobId">;
  /** A job's work is about to begin. */
  readonly begins: (jobId: string) => Promise<void>;
  /** A report was kept; it can be sent. */
  readonly finished: (report: Report) => void;
  readonly progressed: (progress: Progress) => void;
  /** The report of an operation that ends outside of this process; undefined when the signal aborts first, and the next process resumes it. */
  readonly settled: (command: Command, signal: AbortSignal) => Promise<Report | undefined>;
  readonly logger: Logger;
}

/** Why a running job is told to stop. */
type StopReason = "deadline" | "cancelled" | "superseded" | "interrupted";

interface RunningJob {
  readonly command: Command;
  readonly stop: (reason: StopReason) => void;
  readonly ended: Promise<void>;
}

/** Longest delay that a timer takes, milliseconds (2^31 - 1); permissions are shorter, but nothing enforces it here. */
const timerLimit = 2_147_483_647;

export function createJobRunner({ spool, context, begins, finished, progressed, settled, logger }: JobRunnerDeps): JobRunner {
  let running: RunningJob | undefined;
  /** Commands are taken one after the other, so that of two the higher fence wins. */
  let turn: Promise<unknown> = Promise.resolve();

  const start = (command: Command, until: (atNs: bigint) => number): RunningJob => {
    const stopping = new AbortController();
    const leaving = new AbortController();
    let reason: StopReason | undefined;
    const stop = (why: StopReason) => {
      reason ??= why;
      stopping.abort();
      if (why === "interrupted") leaving.abort();
    };
    // On a clock that only goes forward: setting the host's clock does not move the end.
    const deadline = setTimeout(() => stop("deadline"), Math.min(timerLimit, Math.max(0, until(command.notAfterNs))));
    const ended = (async () => {
      const report = await execute(command, until, stopping.signal, () => reason, { context, begins, progressed, logger });
      clearTimeout(deadline);
      await end(command, report ?? (await settled(command, leaving.signal)));
    })();
    return { command, stop, ended };
  };

  const end = async (command: Command, report: Report | undefined): Promise<void> => {
    // Without one the command stays on disk, and the next process resumes it.
    if (report !== undefined) await spool.finish(report).catch((error: unknown) => logger.error({ err: error, job: command.jobId }, "the report could not be kept on disk; it is sent from memory"));
    running = undefined;
    if (report !== undefined) finished(report);
  };

  const accept = async (command: Command, until: (atNs: bigint) => number): Promise<Ack> => {
    const { jobId, fence } = command;
    const answer = (result: AckResult, reason = ""): Ack => ({ jobId, fence, result, reason, seenFence: spool.fence });
    if (!isJobId(jobId)) return answer(AckResult.UNSUPPORTED, "the job's id is not one that this agent can keep");
    if (spool.knows(jobId, fence)) return answer(AckResult.DUPLICATE);
    if (fence <= spool.fence) return answer(AckResult.STALE_FENCE, `fence ${fence} is not above ${spool.fence}`);
    if (command.operation?.kind === undefined) return answer(AckResult.UNSUPPORTED, "the agent is older than this operation");
    if (until(command.notAfterNs) <= 0) return answer(AckResult.EXPIRED, "its time is over");
    if (running !== undefined) {
      logger.info({ job: running.command.jobId, by: jobId }, "stopping the job that runs: a newer command has come");
      running.stop("superseded");
      await running.ended;
    }
    try {
      await spool.accept(command);
    } catch (error) {
      logger.error({ err: error, job: jobId }, "the command could not be kept; it is refused");
      return answer(AckResult.STORAGE, messageOf(error));
    }
    running = start(command, until);
    return answer(AckResult.ACCEPTED);
  };

  return {
    accept: async (command, until) => {
      const mine = turn.then(async () => accept(command, until));
      turn = mine.catch(() => {});
      return mine;
    },
    resume: (command) => {
      const leaving = new AbortController();
      const ended = (async () => end(command, await settled(command, leaving.signal)))();
      // What has been ordered cannot be called back: only leaving ends the wait.
      running = { command, stop: (why) => (why === "interrupted" ? leaving.abort() : undefined), ended };
    },
    cancel: ({ jobId, fence, reason }) => {
      if (running?.command.jobId !== jobId || running.command.fence !== fence) return;
      logger.info({ job: jobId, reason }, "job cancelled");
      running.stop("cancelled");
    },
    jobs: () => {
      const waiting = spool.reports().map(({ jobId, fence }) => ({ jobId, fence, running: false }));
      return running === undefined ? waiting : [...waiting, { jobId: running.command.jobId, fence: running.command.fence, running: true }];
    },
    close: async () => {
      await turn;
      running?.stop("interrupted");
      await running?.ended;
    },
  };
}

/** The report of a job that was cut off: the agent was killed, or the machine went down. */
export function interruptedReport(command: Command, now: number): Report {
  return { ...emptyReport(command, now), finishedAtNs: BigInt(now) * 1_000_000n, outcome: Outcome.INTERRUPTED };
}

/** Undefined where the operation ends outside of this process. */
async function execute(
  command: Command,
  until: (atNs: bigint) => number,
  signal: AbortSignal,
  stopReason: () => StopReason | undefined,
  { context, begins, progressed, logger }: Pick<JobRunnerDeps, "context" | "begins" | "progressed" | "logger">,
): Promise<Report | undefined> {
  const { jobId, fence, operation } = command;
  const log = logger.child({ job: jobId, rollout: command.rolloutId, operation: operation?.kind?.$case });
  const report = emptyReport(command, Date.now());
  const finish = (change: Partial<Report>): Report => ({ ...report, finishedAtNs: BigInt(Date.now()) * 1_000_000n, ...change });
  log.info("job begins");
  try {
    const early = until(command.notBeforeNs);
    if (early > 0) await sleep(Math.min(timerLimit, early), undefined, { signal });
    if (operation === undefined) throw new AgentError("internal", "a command without an operation was accepted");
    await begins(jobId);
    const onProgress: OperationContext["onProgress"] = ({ phase, files, filesTotal, bytes, bytesTotal }) =>
      progressed({ jobId, fence, phase, files: BigInt(files), filesTotal: BigInt(filesTotal), bytes: BigInt(bytes), bytesTotal: BigInt(bytesTotal) });
    progressed({ jobId, fence, phase: "begin", files: 0n, filesTotal: 0n, bytes: 0n, bytesTotal: 0n });
    const result = await runOperation(operation, { ...context, jobId, signal, onProgress });
    if (result === undefined) return undefined;
    const outcome = outcomeOf(stopReason(), "stopped" in result.value ? result.value.stopped : "");
    log.info({ outcome }, "job ends");
    return finish({ outcome, result });
  } catch (error) {
    const stopped = stopReason();
    if (stopped !== undefined && isAbort(error)) {
      log.info({ stopped }, "job stopped");
      return finish({ outcome: outcomeOf(stopped, "cancelled") });
    }
    log.error({ err: error }, "job failed");
    return finish({ outcome: Outcome.FAILED, error: toJobError(error) });
  }
}

/** A job that came to its end in spite of being told to stop has succeeded. */
function outcomeOf(stopped: StopReason | undefined, said: string): Outcome {
  if (said === "") return Outcome.SUCCEEDED;
  switch (stopped) {
    case "deadline":
      return Outcome.DEADLINE;
    case "interrupted":
      return Outcome.INTERRUPTED;
    default:
      return Outcome.CANCELLED;
  }
}

function emptyReport({ jobId, fence, planHash }: Command, now: number): Report {
  return { jobId, fence, planHash, startedAtNs: BigInt(now) * 1_000_000n, finishedAtNs: 0n, outcome: Outcome.UNSPECIFIED, error: undefined, result: undefined };
}

function isAbort(error: unknown): boolean {
  return error instanceof Error && (error.name === "AbortError" || (error instanceof UnifyError && error.code === "cancelled"));
}

function toJobError(error: unknown): JobError {
  if (error instanceof CatalogError) return { code: error.code, message: error.message, hint: error.hint ?? "" };
  if (error instanceof UnifyError || error instanceof KsmError || error instanceof AgentError) return { code: error.code, message: error.message, hint: error.hint };
  return { code: "internal", message: messageOf(error), hint: "the agent's log has the details" };
}
