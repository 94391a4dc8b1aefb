import type { Role } from "./role.ts";

/** `GET /v1/session`: whose token this is. */
export interface SessionView {
  readonly name: string;
  readonly role: Role;
}
