import { formatBytes, formatCount } from "../terminal/format.ts";
import { table } from "../terminal/table.ts";
import type { Terminal } from "../terminal/terminal.ts";
import { printable } from "../terminal/text-width.ts";

/** What one host's agent found. */
export interface DriftOfHost {
  readonly host: string;
  readonly state: string;
  /** Why it could not compare. */
  readonly error: string | null;
  readonly guests: readonly DriftOfGuest[];
}

interface DriftOfGuest {
  readonly name: string;
  readonly same: number;
  readonly modified: number;
  readonly missing: number;
  readonly extra: number;
  readonly permissions: number;
  readonly prelinked: number;
  readonly conffile: number;
  /** In files that cannot be shared with the template any more. */
  readonly bytes: number;
  readonly items: readonly { readonly kind: string; readonly path: string; readonly package: string }[];
  readonly itemsOmitted: number;
}

/** A table of guests; for a single guest the differences themselves as well. */
export function driftLines(hosts: readonly DriftOfHost[], terminal: Terminal): string[] {
  const rows = hosts.flatMap(({ host, guests }) => guests.map((guest) => ({ host, guest })));
  const errors = hosts.flatMap(({ host, error }) => (error === null ? [] : [terminal.style.bad(printable(`${host}: ${error}`))]));
  const count = (title: string, of: (guest: DriftOfGuest) => number) => ({ title, cell: ({ guest }: { guest: DriftOfGuest }) => formatCount(of(guest)), align: "right" }) as const;
  const lines = table(
    rows,
    [
      { title: "GUEST", cell: ({ host, guest }) => `${host}/${guest.name}`, shrinks: true },
      count("SAME", ({ same }) => same),
      count("MODIFIED", ({ modified }) => modified),
      count("MISSING", ({ missing }) => missing),
      count("EXTRA", ({ extra }) => extra),
      count("PERMISSIONS", ({ permissions }) => permissions),
      count("PRELINKED", ({ prelinked }) => prelinked),
      count("CONFFILE", ({ conffile }) => conffile),
      { title: "NOT SHARED", cell: ({ guest }) => formatBytes(guest.bytes), align: "right" },
    ],
    terminal,
  );
  const [only] = rows;
  return [...lines, ...(only !== undefined && rows.length === 1 ? itemLines(only.guest, terminal) : []), ...errors];
}

function itemLines({ items, itemsOmitted }: DriftOfGuest, { style }: Terminal): string[] {
  const lines = items.map(({ kind, path, package: owner }) => printable(`${kind.padEnd(11)} /${path}${owner === "" ? "" : `  (${owner})`}`));
  return itemsOmitted > 0 ? [...lines, style.dim(`and ${formatCount(itemsOmitted)} more`)] : lines;
}
