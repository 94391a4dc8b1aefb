/** `████░░░░  50%`; only dots while the total is unknown (0). */
export function progressBar(done: number, total: number, width: number): string {
  if (total <= 0) return "·".repeat(width);
  const share = Math.min(1, Math.max(0, done / total));
  const full = Math.round(share * width);
  return `${"█".repeat(full)}${"░".repeat(width - full)} ${Math.floor(share * 100).toString().padStart(3)}%`;
}
