const units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];

/** Bytes for people, in powers of 1024: 1.3 GiB. Three figures, as more would suggest a precision nobody reads. */
export function formatBytes(bytes: number): string {
  let value = Math.abs(bytes);
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  const figures = unit === 0 || value >= 100 ? Math.round(value).toString() : value.toFixed(value >= 10 ? 1 : 2);
  return `${bytes < 0 ? "-" : ""}${figures} ${units[unit]}`;
}

/** A count with thousands apart: 40,466. */
export function formatCount(count: number): string {
  return Math.round(count).toLocaleString("en-US");
}

/** "1 file", "2 files". */
export function plural(count: number, noun: string): string {
  return `${formatCount(count)} ${noun}${count === 1 ? "" : "s"}`;
}
