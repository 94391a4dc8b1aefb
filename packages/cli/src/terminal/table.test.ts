import { expect, test } from "vitest";
import { table, type Column } from "./table.ts";
import { describeTerminal } from "./terminal.ts";
import { printable, textWidth } from "./text-width.ts";

const columns: readonly Column<{ name: string; bytes: string }>[] = [
  { title: "NAME", cell: ({ name }) => name, shrinks: true },
  { title: "FREED", cell: ({ bytes }) => bytes, align: "right" },
];
const rows = [
  { name: "lxc/a-very-long-guest-name-that-fills-the-screen", bytes: "1.20 GiB" },
  { name: "日本語のゲスト", bytes: "12 B" },
];

test("a table never is wider than the terminal, and numbers are never cut", () => {
  const terminal = describeTerminal({ isTTY: true, columns: 30 }, { NO_COLOR: "1" });
  const lines = table(rows, columns, terminal);
  expect(lines).toEqual(["NAME                     FREED", "lxc/a-very…he-screen  1.20 GiB", "日本語のゲスト            12 B"]);
  for (const line of lines) expect(textWidth(line)).toBeLessThanOrEqual(30);
});

test("nothing is cut where there is no terminal", () => {
  expect(table(rows, columns, describeTerminal({}, {}))[1]).toContain("lxc/a-very-long-guest-name-that-fills-the-screen");
});

test("control characters in a guest's name do not reach the terminal", () => {
  expect(printable("web\u{1b}]0;owned\u{7}\u{202e}")).toBe(String.raw`web\x1b]0;owned\x07\x202e`);
});
