import { join } from "node:path";
import { escapeName } from "./escape-name.ts";
import { placeName } from "./pool-place.ts";
import { UnifyError } from "./unify-error.ts";
import type { UnifyReport } from "./unify-report.ts";

/** Why nothing, or no more, could be done on a file system, as one of a report's failures: the other file systems' work goes on. */
export function placeFailure(top: string, error: unknown): UnifyReport["failures"][number] {
  return { guest: "pool", path: escapeName(Buffer.from(join(top, placeName)).toString("latin1")), code: codeOf(error), message: error instanceof Error ? error.message : String(error) };
}

/** Of the file system, where it said one. */
function codeOf(error: unknown): string {
  const cause = error instanceof UnifyError ? (error.cause ?? error) : error;
  return cause instanceof Error && "code" in cause ? String(cause.code) : "EIO";
}
