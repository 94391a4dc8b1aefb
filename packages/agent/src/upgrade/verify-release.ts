import { createPublicKey, type KeyObject, verify } from "node:crypto";
import { FleetError, parseRelease, type Release } from "@samepage/fleet";
import { AgentError } from "../agent-error.ts";
import { readIfThere } from "../durable-file.ts";
import { messageOf } from "../thrown.ts";

/**
 * The release that these bytes describe, if the key that this host has pinned signed them.
 * @param manifest release.json, byte for byte
 * @param signature 64 bytes, Ed25519 (RFC 8032) over the manifest
 * @throws AgentError `release-refused`.
 */
export function verifyRelease(manifest: Buffer, signature: Buffer, key: KeyObject): Release {
  if (manifest.length === 0) throw new AgentError("release-refused", "the controller has no release", { hint: "docs/deployment.md says where it goes" });
  if (signature.length === 0) throw new AgentError("release-refused", "the controller's release is not signed", { hint: "sign release.json with the release key" });
  if (!verify(undefined, manifest, key, signature)) {
    throw new AgentError("release-refused", "the release is not signed by the key that this host has pinned; nothing was fetched", { hint: "was it changed on the controller, or signed with another key?" });
  }
  try {
    return parseRelease(manifest.toString("utf8"));
  } catch (cause) {
    if (!(cause instanceof FleetError)) throw cause;
    throw new AgentError("release-refused", cause.message, { hint: cause.hint, cause });
  }
}

/** @param path PEM. @throws AgentError `upgrade-unsupported` where there is none, `release-refused` where it is no Ed25519 key. */
export async function readReleaseKey(path: string): Promise<KeyObject> {
  const pem = await readIfThere(path);
  if (pem === undefined) throw new AgentError("upgrade-unsupported", `this host has pinned no release key: ${path} is missing`, { hint: "put the public key there to allow upgrades by rollout", target: path });
  try {
    const key = createPublicKey(pem);
    if (key.asymmetricKeyType !== "ed25519") throw new Error(`it is ${key.asymmetricKeyType ?? "unknown"}`);
    return key;
  } catch (cause) {
    throw new AgentError("release-refused", `${path} is no Ed25519 public key: ${messageOf(cause)}`, { hint: "docs/deployment.md says how to make one", target: path, cause });
  }
}
