import { stat } from "node:fs/promises";
import { CliError } from "../cli-error.ts";

/** Refuses paths that are not directories, before anything else looks at them. */
export async function requireDirectories(paths: readonly string[]): Promise<void> {
  for (const path of paths) {
    const found = await stat(path).catch((cause: NodeJS.ErrnoException) => {
      if (cause.code === "ENOENT") throw new CliError("not-found", `${path} does not exist`, "Check the spelling; nothing was changed.", { cause });
      throw new CliError("bad-argument", `${path} cannot be looked at: ${cause.code ?? cause.message}`, "Check its permissions, or run as root.", { cause });
    });
    if (!found.isDirectory()) throw new CliError("not-a-directory", `${path} is not a directory`, "Name the root directory of a guest.");
  }
}
