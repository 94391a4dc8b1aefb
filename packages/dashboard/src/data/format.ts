const units = ["B", "kB", "MB", "GB", "TB", "PB"] as const;

/** Bytes in decimal units with three significant digits: `1.23 GB`. */
export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (Math.abs(value) >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  const digits = unit === 0 || Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  return `${value.toFixed(digits)} ${units[unit]}`;
}

const counts = new Intl.NumberFormat("en");

/** `12,345`. */
export function formatCount(count: number): string {
  return counts.format(count);
}

const times = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "medium" });

/** A moment in the viewer's own zone; an em dash where there is none. */
export function formatTime(iso: string | null): string {
  return iso === null ? "—" : times.format(new Date(iso));
}

/** How long ago, coarsely: `just now`, `4 min ago`, `3 h ago`, `12 d ago`. */
export function formatAge(iso: string | null, now: number): string {
  if (iso === null) return "never";
  const seconds = Math.max(0, (now - Date.parse(iso)) / 1000);
  if (seconds < 60) return "just now";
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h ago`;
  return `${Math.floor(seconds / 86_400)} d ago`;
}

/** A length of time in its largest whole units: `90 min`, `2 h`, `3 d`. */
export function formatSpan(seconds: number): string {
  if (seconds % 86_400 === 0) return `${seconds / 86_400} d`;
  if (seconds % 3600 === 0) return `${seconds / 3600} h`;
  return `${Math.round(seconds / 60)} min`;
}
