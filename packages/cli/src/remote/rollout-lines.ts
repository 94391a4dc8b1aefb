import type { EventView, RolloutHostState, RolloutHostView, RolloutSummary, RolloutView } from "@samepage/controller/api";
import { formatBytes, formatCount } from "../terminal/format.ts";
import { progressBar } from "../terminal/progress-bar.ts";
import { table } from "../terminal/table.ts";
import type { Terminal } from "../terminal/terminal.ts";
import { printable } from "../terminal/text-width.ts";

/** Hosts shown one by one in a live view; the rest is counted. A screen has 24 lines. */
const shownHosts = 14;
const order: readonly RolloutHostState[] = ["running", "acknowledged", "dispatching", "failed", "stopped", "skipped", "pending", "succeeded"];

const ended: ReadonlySet<string> = new Set(["completed", "failed", "aborted"]);

/** A rollout on one screen: its state, why it is there, its waves, and the hosts where something happens. */
export function rolloutLines(rollout: RolloutView, terminal: Terminal): string[] {
  const hosts = rollout.waves.flatMap(({ hosts: members }, wave) => members.map((host) => ({ host, wave })));
  const shown = hosts.toSorted((a, b) => order.indexOf(a.host.state) - order.indexOf(b.host.state)).slice(0, shownHosts);
  const rows = table(
    shown,
    [
      { title: "HOST", cell: ({ host }) => host.host, shrinks: true },
      { title: "WAVE", cell: ({ wave }) => `${wave + 1}`, align: "right" },
      { title: "STATE", cell: ({ host }) => host.state, tone: ({ host }, { style }) => toneOf(host.state, style) },
      { title: "PROGRESS", cell: ({ host }) => hostProgress(host) },
      { title: rollout.operation.kind === "plan" ? "WOULD FREE" : "FREED", cell: ({ host }) => (host.reclaimedBytes === null ? "" : formatBytes(host.reclaimedBytes)), align: "right" },
      { title: "PREDICTED", cell: ({ host }) => (host.predictedBytes === null ? "" : formatBytes(host.predictedBytes)), align: "right" },
      { title: "WHY", cell: ({ host }) => host.reason, shrinks: true },
    ],
    terminal,
  );
  const rest = hosts.length - shown.length;
  const why = ended.has(rollout.state) ? [] : rollout.explanations.map((line) => terminal.style.dim(printable(line)));
  return [summaryLine(rollout, terminal), ...why, ...rows, ...(rest > 0 ? [terminal.style.dim(`and ${formatCount(rest)} more`)] : [])];
}

/** `unify running · wave 1 of 2 · 3 of 12 hosts · 1.2 GiB freed`. */
export function summaryLine(rollout: RolloutSummary, { style }: Terminal): string {
  const all = Object.values(rollout.hosts).reduce((sum, count) => sum + count, 0);
  const ended = all - rollout.hosts.pending - rollout.hosts.dispatching - rollout.hosts.acknowledged - rollout.hosts.running;
  const parts = [
    `${style.bold(printable(rollout.name))} ${toneOf(rollout.state, style)(rollout.state)}`,
    `wave ${Math.min(rollout.wave + 1, rollout.waveCount)} of ${rollout.waveCount}`,
    `${formatCount(ended)} of ${formatCount(all)} hosts`,
    `${formatBytes(rollout.reclaimedBytes)} freed`,
  ];
  const why = rollout.reason === "" ? [] : [printable(rollout.reason)];
  return [...parts, ...why].join(" · ");
}

/** One event as a line for logs; undefined for what only a live view needs. */
export function eventLine(event: EventView): string | undefined {
  if (event.type === "progress" || event.type === "host") return undefined;
  const what = event.type === "rollout" ? `rollout ${event.state}, wave ${event.wave + 1}` : `${event.host} ${event.state}${event.reclaimedBytes === null ? "" : `, ${formatBytes(event.reclaimedBytes)} freed`}`;
  return printable(`${event.at} ${what}${event.reason === "" ? "" : `: ${event.reason}`}`);
}

function toneOf(state: string, style: Terminal["style"]): (text: string) => string {
  if (state === "succeeded" || state === "completed") return style.good;
  if (state === "failed" || state === "aborted") return style.bad;
  return state === "skipped" || state === "paused" || state === "aborting" || state === "stopped" ? style.warn : (text) => text;
}

function hostProgress({ progress, state }: RolloutHostView): string {
  if (progress === null || state !== "running") return "";
  const [done, total] = progress.bytesTotal > 0 ? [progress.bytes, progress.bytesTotal] : [progress.files, progress.filesTotal];
  return `${progress.phase} ${progressBar(done, total, 12)}`;
}
