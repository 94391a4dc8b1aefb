export { CowGuard } from "./cow-guard.ts";
export { daemonPath } from "./daemon-path.ts";
export { guardAvailability } from "./guard-availability.ts";
export { GuardClient } from "./guard-client.ts";
export { GuardError, type GuardErrorCode } from "./guard-error.ts";
export type { GuardEvent, GuardStatus } from "./guard-status.ts";
export { startGuard } from "./guard-supervisor.ts";
export type { GuardAvailability } from "./judge-availability.ts";
export { type GuardNews, keepGuard } from "./keep-guard.ts";
