import type { DriftCounts } from "@samepage/controller/api";
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

interface DriftOfGuest extends DriftCounts {
  readonly name: string;
  readonly same: number;
  /** In files that cannot be shared with the template any more. */
  readonly bytes: number;
  /** Those of them in prelinked variants. */
  readonly prelinkedBytes: number;
  /** A job in the guest runs prelink every night. */
  readonly prelinkCron: boolean;
  /** Packages with files of another version of the template. */
  readonly behind: readonly { readonly package: string; readonly version: string; readonly files: number }[];
  readonly items: readonly { readonly kind: string; readonly path: string; readonly package: string; readonly version: string }[];
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
  return [...lines, ...behindLines(rows), ...prelinkLines(rows, terminal), ...(only !== undefined && rows.length === 1 ? itemLines(only.guest, terminal) : []), ...errors];
}

/** "412 guests still on openssl from @3", most guests first; the whole fleet's is `GET /v1/drift`. */
function behindLines(rows: readonly { readonly guest: DriftOfGuest }[]): string[] {
  const counted = new Map<string, number>();
  for (const { guest } of rows) for (const { package: name, version } of guest.behind) counted.set(`${name} from @${version}`, (counted.get(`${name} from @${version}`) ?? 0) + 1);
  return [...counted].sort(([, a], [, b]) => b - a).slice(0, shownPackages).map(([what, guests]) => printable(`${formatCount(guests)} ${guests === 1 ? "guest" : "guests"} still on ${what}`));
}

/** What prelink costs, and where it goes on costing. */
function prelinkLines(rows: readonly { readonly host: string; readonly guest: DriftOfGuest }[], { style }: Terminal): string[] {
  const bytes = rows.reduce((sum, { guest }) => sum + guest.prelinkedBytes, 0);
  const active = rows.filter(({ guest }) => guest.prelinkCron).map(({ host, guest }) => `${host}/${guest.name}`);
  return [
    ...(bytes > 0 ? [`prelinked variants are left alone, which costs ${formatBytes(bytes)}; --adopt-template-prelink replaces them by the template's`] : []),
    ...(active.length > 0 ? [style.bad(printable(`prelink runs every night in ${active.join(", ")}: it undoes what is shared; set PRELINKING=no there`))] : []),
  ];
}

/** Packages listed; a fleet that is further behind needs an upgrade, not a list. */
const shownPackages = 20;

function itemLines({ items, itemsOmitted }: DriftOfGuest, { style }: Terminal): string[] {
  const lines = items.map(({ kind, path, package: owner, version }) => printable(`${kind.padEnd(11)} /${path}${owner === "" ? "" : `  (${owner})`}${version === "" ? "" : `  as in @${version}`}`));
  return itemsOmitted > 0 ? [...lines, style.dim(`and ${formatCount(itemsOmitted)} more`)] : lines;
}
