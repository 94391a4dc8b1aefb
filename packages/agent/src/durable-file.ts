import { open, readFile, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { AgentError } from "./agent-error.ts";
import { codeOf, messageOf } from "./thrown.ts";

/** Writes a file that only root may read, whole or not at all, and on disk before this resolves. @throws AgentError `state-dir`. */
export async function writeDurable(path: string, content: string | Uint8Array): Promise<void> {
  const temporary = `${path}.tmp`;
  try {
    await using file = await open(temporary, "w", 0o600);
    await file.writeFile(content);
    await file.sync();
    await rename(temporary, path);
    await syncDirectory(path);
  } catch (cause) {
    await rm(temporary, { force: true }).catch(() => {});
    throw new AgentError("state-dir", `cannot write ${path}: ${messageOf(cause)}`, { hint: "is the disk full, or the state directory read-only?", target: path, cause });
  }
}

/** Undefined when there is no such file. @throws AgentError `state-dir`. */
export async function readIfThere(path: string): Promise<Buffer | undefined> {
  try {
    return await readFile(path);
  } catch (cause) {
    if (codeOf(cause) === "ENOENT") return undefined;
    throw new AgentError("state-dir", `cannot read ${path}: ${messageOf(cause)}`, { target: path, cause });
  }
}

/** Removes a file; its absence is what matters, so a missing one is fine. */
export async function removeDurable(path: string): Promise<void> {
  await rm(path, { force: true });
  await syncDirectory(path);
}

async function syncDirectory(path: string): Promise<void> {
  await using directory = await open(dirname(path), "r");
  await directory.sync();
}
