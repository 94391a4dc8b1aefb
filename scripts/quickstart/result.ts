/** What one host had before and has after, in bytes. */
export interface HostResult {
  readonly host: string;
  /** In use on the host's own file system, by statfs(2). */
  readonly used: { readonly before: number; readonly after: number };
  /** Page cache that the guests' files take when all of them have been read. */
  readonly cached: { readonly before: number; readonly after: number };
  /** What the agent reported. */
  readonly reported: { readonly bytes: { readonly reclaimed: number }; readonly pageCache: { readonly saved: number } } | undefined;
  readonly differences: readonly string[];
}

export function mib(bytes: number): string {
  return `${(bytes / 1024 / 1024).toFixed(1)} MiB`;
}

/** One line a host: what the file system and the page cache say themselves, beside what was reported. */
export function hostTable(results: readonly HostResult[]): string[] {
  const rows = [
    ["HOST", "DISK BEFORE", "DISK AFTER", "REALLY FREED", "REPORTED", "CACHE BEFORE", "CACHE AFTER", "REALLY SHARED", "CHANGED"],
    ...results.map(({ host, used, cached, reported, differences }) => [
      host,
      mib(used.before),
      mib(used.after),
      mib(used.before - used.after),
      reported === undefined ? "-" : mib(reported.bytes.reclaimed),
      mib(cached.before),
      mib(cached.after),
      mib(cached.before - cached.after),
      differences.length === 0 ? "nothing" : `${differences.length} files`,
    ]),
  ];
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? [];
  return rows.map((row) => row.map((cell, column) => (column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0))).join("  "));
}
