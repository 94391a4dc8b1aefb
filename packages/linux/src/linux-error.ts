/** A system call that failed: `code` is errno's name (`ENOENT`, `ECANCELED` …), `path` what it was about where known. */
export class LinuxError extends Error {
  override readonly name = "LinuxError";
  readonly code: string;
  readonly path: string | undefined;
  readonly hint: string;

  constructor(code: string, message: string, details: { path?: string; hint?: string; cause?: unknown } = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.path = details.path;
    this.hint = details.hint ?? "See the code in errno(3).";
  }

  /** Gives an error of the addon this package's shape; others pass. */
  static from(error: unknown): unknown {
    if (error instanceof Error && "code" in error && typeof error.code === "string" && !(error instanceof LinuxError)) {
      return new LinuxError(error.code, error.message, { cause: error });
    }
    return error;
  }
}
