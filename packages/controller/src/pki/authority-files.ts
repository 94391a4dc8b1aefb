import { mkdir, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { ControllerError } from "../api/controller-error.ts";
import { codeOf } from "../thrown.ts";
import { writePrivateFile } from "../write-private-file.ts";

/** PEM, both. */
export interface KeyPair {
  readonly certificate: string;
  readonly key: string;
}

/**
 * The authorities of a fleet on disk: `current.key` and `current.pem` sign; every other `*.pem` is trusted too
 * (`next.pem` before a rotation, `previous.pem` after it). Controllers of one fleet hold the same directory.
 */
export interface AuthorityFiles {
  currentOr(create: () => Promise<KeyPair>): Promise<KeyPair>;
  /** PEM of the others that are trusted. */
  others(): Promise<readonly string[]>;
}

export function authorityFiles(dir: string): AuthorityFiles {
  return {
    currentOr: async (create) => {
      const found = await readPair(dir, "current");
      if (found !== undefined) return found;
      const made = await create();
      await writePair(dir, "current", made);
      return made;
    },
    others: async () => {
      const names = await readdir(dir);
      return Promise.all(names.filter((name) => name.endsWith(".pem") && name !== "current.pem").map(async (name) => readFile(join(dir, name), "utf8")));
    },
  };
}

async function readPair(dir: string, name: string): Promise<KeyPair | undefined> {
  try {
    return { certificate: await readFile(join(dir, `${name}.pem`), "utf8"), key: await readFile(join(dir, `${name}.key`), "utf8") };
  } catch (cause) {
    if (codeOf(cause) === "ENOENT") return undefined;
    throw new ControllerError("state-dir", `cannot read the authority in ${dir}`, { target: dir, cause });
  }
}

async function writePair(dir: string, name: string, pair: KeyPair): Promise<void> {
  await mkdir(dir, { recursive: true, mode: 0o700 });
  // The certificate last: a pair counts as there only when both files are.
  await writePrivateFile(join(dir, `${name}.key`), pair.key);
  await writePrivateFile(join(dir, `${name}.pem`), pair.certificate);
}
