import { readFile } from "node:fs/promises";
import { CliError } from "./cli-error.ts";

/** Lines of an exclude file; the engine judges the rules. */
export async function readExcludes(file: string): Promise<readonly string[]> {
  const content = await readFile(file, "utf8").catch((cause: NodeJS.ErrnoException) => {
    throw new CliError("bad-argument", `the exclude file ${file} cannot be read: ${cause.code ?? cause.message}`, "Name a file that exists and that you may read.", { cause });
  });
  return content.split("\n");
}
