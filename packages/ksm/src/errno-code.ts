/** The errno's name of a system error, e.g. `ENOENT`; `undefined` for any other error. */
export function errnoCode(error: unknown): string | undefined {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined;
}
