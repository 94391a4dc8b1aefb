import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { ControllerError } from "../api/controller-error.ts";
import { codeOf } from "../thrown.ts";
import { writePrivateFile } from "../write-private-file.ts";

/** The key that signs every domain's catalog manifest. */
export interface CatalogKey {
  readonly privateKey: KeyObject;
  /** Public keys that agents may accept, DER. */
  readonly trusted: readonly Buffer[];
}

/**
 * The Ed25519 key beside the authorities, made when there is none: controllers of one fleet hold the same directory.
 * @throws ControllerError `state-dir`
 */
export async function openCatalogKey(dir: string): Promise<CatalogKey> {
  const path = join(dir, "catalog.key");
  const privateKey = (await readKey(path)) ?? (await makeKey(path));
  return { privateKey, trusted: [createPublicKey(privateKey).export({ type: "spki", format: "der" })] };
}

async function readKey(path: string): Promise<KeyObject | undefined> {
  try {
    return createPrivateKey(await readFile(path));
  } catch (cause) {
    if (codeOf(cause) === "ENOENT") return undefined;
    throw new ControllerError("state-dir", `cannot read the catalog's key ${path}`, { hint: "copy it from another controller of this fleet, or remove it to have a new one made", target: path, cause });
  }
}

async function makeKey(path: string): Promise<KeyObject> {
  const { privateKey } = generateKeyPairSync("ed25519");
  await writePrivateFile(path, privateKey.export({ type: "pkcs8", format: "pem" }).toString());
  return privateKey;
}
