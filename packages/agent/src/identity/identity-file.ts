import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { AgentError } from "../agent-error.ts";
import { readIfThere, writeDurable } from "../durable-file.ts";

/** Who this host is. One file, so that key and certificate are always replaced together. */
export interface Identity {
  readonly host: string;
  /** `host:port`. */
  readonly controller: string;
  /** PEM. Made here; never leaves the host. */
  readonly key: string;
  /** PEM. */
  readonly certificate: string;
  /** PEM of the authorities whose controllers are trusted, one or more. */
  readonly authorities: string;
}

const fileName = "identity.json";

/** Undefined when the host is no member yet. @throws AgentError `state-dir`. */
export async function readIdentity(stateDir: string): Promise<Identity | undefined> {
  const path = join(stateDir, fileName);
  const content = await readIfThere(path);
  if (content === undefined) return undefined;
  try {
    const identity: Identity = JSON.parse(content.toString("utf8"));
    return identity;
  } catch (cause) {
    throw new AgentError("state-dir", `${path} is damaged`, { hint: "remove it and enrol again with a new token, after the host was revoked", target: path, cause });
  }
}

/** @throws AgentError `state-dir`. */
export async function writeIdentity(stateDir: string, identity: Identity): Promise<void> {
  await mkdir(stateDir, { recursive: true, mode: 0o700 });
  await writeDurable(join(stateDir, fileName), `${JSON.stringify(identity)}\n`);
}
