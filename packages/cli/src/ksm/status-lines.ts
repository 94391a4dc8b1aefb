import type { KsmStatus, LedgerRow } from "@samepage/ksm";
import { formatBytes, formatCount, plural } from "../terminal/format.ts";
import { table } from "../terminal/table.ts";
import type { Terminal } from "../terminal/terminal.ts";

const RUN_WORDS = ["stopped", "running", "stopped, all un-merged"];

/** KSM on this host for people: what it does, the account, and what is in the way. */
export function statusLines(status: KsmStatus, terminal: Terminal): string[] {
  const { counters, knobs, ledger, foreign } = status;
  const pace = knobs.advisor_mode === "scan-time" ? "paced by the kernel's advisor" : `${formatCount(knobs.pages_to_scan ?? 0)} pages every ${knobs.sleep_millisecs ?? 0} ms`;
  const lines = [
    `KSM is ${RUN_WORDS[knobs.run ?? 0] ?? "in an unknown state"}, ${pace}, ${plural(counters.fullScans, "full scan")}`,
    `pages: ${formatCount(counters.pagesShared)} kept, ${formatCount(counters.pagesSharing)} saved, ${formatCount(counters.zeroPages)} zero, ${formatCount(counters.pagesUnshared)} unique, ${formatCount(counters.pagesVolatile)} changing`,
    "",
    `claimed saving ${formatBytes(ledger.claimed)}${ledger.generalProfit === undefined ? "" : `; the kernel's general_profit ${formatBytes(ledger.generalProfit)}`}`,
    `shared now ${formatBytes(ledger.sharedNow)}${ledger.memAvailableDelta === undefined ? "" : `; available memory ${formatBytes(ledger.memAvailableDelta)} since before the first change`}`,
    ...(ledger.zramSameFilled > 0 ? [`zram keeps ${formatBytes(ledger.zramSameFilled)} of same-filled pages for nothing`] : []),
  ];
  if (ledger.guests.length > 0) lines.push("", ...guestTable(ledger.guests, terminal));
  if (status.before !== undefined) lines.push("", `changed by samepage; samepage ksm off restores what was before (${plural(status.enrolled, "process")} enrolled)`.replace("processs", "processes"));
  for (const { name, pid } of foreign.tuners) lines.push(`another tuner is running: ${name} (process ${pid})`);
  for (const { knob, ours, now } of foreign.changes) lines.push(`somebody else wrote ${knob}: ${now}, samepage had written ${ours}`);
  return lines;
}

function guestTable(guests: readonly LedgerRow[], terminal: Terminal): string[] {
  return table(
    guests,
    [
      { title: "guest", cell: ({ name }) => name, shrinks: true },
      { title: "processes", cell: ({ processes }) => formatCount(processes), align: "right" },
      { title: "merged", cell: ({ merged }) => formatBytes(merged), align: "right" },
      { title: "zero", cell: ({ zero }) => formatBytes(zero), align: "right" },
      { title: "overhead", cell: ({ overhead }) => formatBytes(overhead), align: "right" },
      { title: "saving", cell: ({ saving }) => formatBytes(saving), align: "right" },
      { title: "shared now", cell: ({ sharedNow }) => formatBytes(sharedNow), align: "right" },
    ],
    terminal,
  );
}
