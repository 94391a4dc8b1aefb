import { expect, test } from "vitest";
import { progressLine, showProgress } from "./show-progress.ts";

test("progress says files, bytes, rate and time left", () => {
  expect(progressLine({ phase: "identify", files: 12_300, filesTotal: 40_466, bytes: 2 ** 30, bytesTotal: 4 * 2 ** 30 }, 2000)).toBe(
    "identify ████░░░░░░░░░░░░  25%  12,300 of 40,466 files  1.00 GiB of 4.00 GiB  512 MiB/s  6.0 s left",
  );
});

test("while the totals are unknown it says so and promises no time", () => {
  expect(progressLine({ phase: "scan", files: 5000, filesTotal: 0, bytes: 0, bytesTotal: 0 }, 1000)).toBe("scan     ················  5,000 files  5,000 files/s");
});

test("a log gets a line at each phase and every five seconds, not ten a second", () => {
  const lines: string[] = [];
  let nowMs = 0;
  const silent = { terminal: { isTerminal: false, width: Infinity, style: { bold: String, dim: String, good: String, warn: String, bad: String } }, redraw: () => {}, clear: () => {} };
  const show = showProgress({ ...silent, line: (text) => lines.push(text) }, () => nowMs);
  for (; nowMs <= 12_000; nowMs += 50) show({ phase: nowMs < 6000 ? "scan" : "identify", files: nowMs, filesTotal: 0, bytes: 0, bytesTotal: 0 });
  expect(lines.map((line) => line.split(" ")[0])).toEqual(["scan", "scan", "identify", "identify"]);
});
