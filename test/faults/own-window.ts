import type { ApiClient } from "@samepage/controller/api";

/** A window of seconds for all hosts: what lies between two blackouts. */
export interface OwnWindow {
  /** Epoch milliseconds. */
  readonly closesAt: number;
  /** When the next one opens, for good. */
  readonly nextOpensAt: number;
}

/** Opens now. */
export async function openWindow(api: ApiClient, seconds: number, closedSeconds: number): Promise<OwnWindow> {
  const opensAt = Math.floor(Date.now() / 1000) * 1000;
  const closesAt = opensAt + seconds * 1000;
  const nextOpensAt = closesAt + closedSeconds * 1000;
  await api.windows.putBlackout({ name: "before", selector: "all", zone: "UTC", from: "2000-01-01", to: local(opensAt) });
  await api.windows.putBlackout({ name: "between", selector: "all", zone: "UTC", from: local(closesAt), to: local(nextOpensAt) });
  return { closesAt, nextOpensAt };
}

function local(at: number): string {
  return new Date(at).toISOString().slice(0, 19);
}
