import type { HostView } from "@samepage/controller/api";

/**
 * Whether a host fits what was typed: every word must occur in its name, its state or a `key=value` label.
 */
export function matchesSearch(host: HostView, search: string): boolean {
  const words = search.toLowerCase().split(/\s+/).filter((word) => word !== "");
  if (words.length === 0) return true;
  const labels = Object.entries(host.labels).map(([key, value]) => `${key}=${value}`);
  const text = [host.name, host.state, host.cordoned ? "cordoned" : "", host.facts?.kernel ?? "", ...labels].join(" ").toLowerCase();
  return words.every((word) => text.includes(word));
}
