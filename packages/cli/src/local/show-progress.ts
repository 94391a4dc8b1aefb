import type { UnifyProgress } from "@samepage/unify";
import { formatBytes, formatCount, formatDuration } from "../terminal/format.ts";
import type { LiveArea } from "../terminal/live-area.ts";
import { progressBar } from "../terminal/progress-bar.ts";

/** Ten frames a second on a terminal. */
const frameMs = 100;
/** In a log, a line each time this long has passed. */
const plainLineMs = 5000;

/** Shows the engine's progress: redrawn on a terminal, now and then a line elsewhere. */
export function showProgress(area: LiveArea, now: () => number = () => performance.now()): (progress: UnifyProgress) => void {
  let phase: UnifyProgress["phase"] | undefined;
  let phaseStartMs = 0;
  let shownMs = 0;
  return (progress) => {
    const nowMs = now();
    if (progress.phase !== phase) {
      phase = progress.phase;
      phaseStartMs = nowMs;
    } else if (nowMs - shownMs < (area.terminal.isTerminal ? frameMs : plainLineMs)) return;
    shownMs = nowMs;
    const line = progressLine(progress, nowMs - phaseStartMs);
    if (area.terminal.isTerminal) area.redraw([line]);
    else area.line(line);
  };
}

/** `identify ████░░  42%  12,300 of 40,466 files  1.2 GiB of 3.0 GiB  410 MiB/s  4.4 s left`, from the counters of one phase. */
export function progressLine({ phase, files, filesTotal, bytes, bytesTotal }: UnifyProgress, elapsedMs: number): string {
  const [done, total] = bytesTotal > 0 ? [bytes, bytesTotal] : [files, filesTotal];
  const parts = [`${phase.padEnd(8)} ${progressBar(done, total, 16)}`, `${formatCount(files)}${filesTotal > 0 ? ` of ${formatCount(filesTotal)}` : ""} files`];
  if (bytes > 0 || bytesTotal > 0) parts.push(`${formatBytes(bytes)}${bytesTotal > 0 ? ` of ${formatBytes(bytesTotal)}` : ""}`);
  if (elapsedMs > 0 && done > 0) {
    parts.push(bytesTotal > 0 ? `${formatBytes((bytes / elapsedMs) * 1000)}/s` : `${formatCount((files / elapsedMs) * 1000)} files/s`);
    if (total > done) parts.push(`${formatDuration((elapsedMs / done) * (total - done))} left`);
  }
  return parts.join("  ");
}
