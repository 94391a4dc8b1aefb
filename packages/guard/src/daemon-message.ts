import type { GuardEvent, GuardStatus } from "./guard-status.ts";

/** What every reply has; the rest of it depends on the request. */
export interface Reply {
  readonly id: number;
  readonly ok: boolean;
  /** With `ok: false`: why, and the inode concerned (`0` when none is). */
  readonly code?: string;
  readonly ino?: string;
}

/** Reads one line of the daemon. The type guards check what tells the kinds apart: both ends are built together. */
export function parseDaemonMessage(line: string): Reply | GuardEvent {
  const message: unknown = JSON.parse(line);
  if (isEvent(message) || isReply(message)) return message;
  throw new TypeError(`neither a reply nor an event: ${line.slice(0, 200)}`);
}

export function isStatus(reply: object): reply is Reply & GuardStatus {
  return "mode" in reply && "marks" in reply && "breaks" in reply && "latencyMicroseconds" in reply;
}

export function isEvent(message: unknown): message is GuardEvent {
  return typeof message === "object" && message !== null && "event" in message && "ino" in message && "name" in message;
}

function isReply(message: unknown): message is Reply {
  return typeof message === "object" && message !== null && "id" in message && "ok" in message;
}
