import { ControllerError } from "../api/controller-error.ts";

/** What the catalog refuses is the operator's to correct. @throws ControllerError `invalid` */
export function asInvalid<T>(decide: () => T): T {
  try {
    return decide();
  } catch (cause) {
    const hint = cause instanceof Error && "hint" in cause && typeof cause.hint === "string" ? cause.hint : "";
    throw new ControllerError("invalid", cause instanceof Error ? cause.message : String(cause), { hint, cause });
  }
}
