import { setTimeout as sleep } from "node:timers/promises";
import type { ApiClient, RolloutState, RolloutView } from "@samepage/controller/api";
import { rolloutAfter } from "@samepage/controller/api/rollout-after";
import { CliError } from "../cli-error.ts";
import { exitCode } from "../exit-code.ts";
import type { LiveArea } from "../terminal/live-area.ts";
import { printable } from "../terminal/text-width.ts";
import { eventLine, rolloutLines } from "./rollout-lines.ts";

/** Ten frames a second: smooth to the eye, nothing to a slow link. */
const frameMs = 100;
/** The whole rollout is asked for this often, so that whatever was missed shows up. */
const refreshMs = 5000;

const endStates: ReadonlySet<RolloutState> = new Set(["completed", "failed", "aborted"]);

/** Shows a rollout until it has ended (or the signal aborts, which leaves it running) and resolves with its last view. */
export async function watchRollout(api: ApiClient, id: string, out: LiveArea, signal: AbortSignal): Promise<RolloutView> {
  let rollout = await api.rollouts.get(id, signal);
  const ended = new AbortController();
  const both = AbortSignal.any([signal, ended.signal]);
  const isOver = (): boolean => endStates.has(rollout.state);
  const draw = setInterval(() => out.redraw(rolloutLines(rollout, out.terminal)), frameMs);
  const followEvents = async (): Promise<void> => {
    for await (const event of api.events({ rollout: id }, both)) {
      rollout = rolloutAfter(rollout, [event]);
      const line = out.terminal.isTerminal ? undefined : eventLine(event);
      if (line !== undefined) out.line(line);
      if (isOver()) return;
    }
  };
  const refresh = async (): Promise<void> => {
    while (!isOver() && !both.aborted) {
      await sleep(refreshMs, undefined, { signal: both }).catch(() => {});
      if (both.aborted) return;
      const said = new Set(rollout.explanations);
      rollout = await api.rollouts.get(id, both);
      // In a log, what is new of why it waits; a live view shows all of it.
      if (!out.terminal.isTerminal) for (const line of rollout.explanations) if (!said.has(line)) out.line(printable(line));
    }
  };
  try {
    if (!isOver()) await Promise.race([followEvents(), refresh()]);
  } finally {
    clearInterval(draw);
    ended.abort();
    out.clear();
  }
  if (signal.aborted) throw new CliError("cancelled", `stopped watching rollout ${id}; it goes on`, `Watch again: samepage rollout watch ${id}`, { exitCode: exitCode.failed });
  // Figures of the last host may have come in the same moment as the end.
  return api.rollouts.get(id, signal);
}
