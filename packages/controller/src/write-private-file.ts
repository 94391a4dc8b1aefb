import { open, rename } from "node:fs/promises";
import { dirname } from "node:path";
import { ControllerError } from "./api/controller-error.ts";
import { messageOf } from "./thrown.ts";

/** Writes a file that only its owner may read, whole or not at all, and on disk before this resolves. */
export async function writePrivateFile(path: string, content: string): Promise<void> {
  const temporary = `${path}.${process.pid}.tmp`;
  try {
    await using file = await open(temporary, "w", 0o600);
    await file.writeFile(content);
    await file.sync();
    await rename(temporary, path);
    await using directory = await open(dirname(path), "r");
    await directory.sync();
  } catch (cause) {
    throw new ControllerError("state-dir", `cannot write ${path}: ${messageOf(cause)}`, { hint: "is the state directory writable, and the disk not full?", target: path, cause });
  }
}
