import { execFile, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { createReadStream } from "node:fs";
import { mkdir, open, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { promisify } from "node:util";
import { createGunzip } from "node:zlib";
import type { ReleaseFile } from "@samepage/fleet";
import { AgentError } from "../agent-error.ts";
import { codeOf, messageOf } from "../thrown.ts";
import type { ReleaseCalls } from "./release-calls.ts";

/** Milliseconds for a new version to say its number: a node that starts on a busy host takes a few seconds. */
const versionMs = 60_000;

/**
 * Puts a signed version beside the others, in `versions/VERSION` of `home`, whole and on disk or not at all. The bytes are
 * looked at only once their digest is the signed one.
 * @throws AgentError `release-refused` or `unreachable`.
 */
export async function fetchVersion(home: string, version: string, file: ReleaseFile, calls: Pick<ReleaseCalls, "read">, signal: AbortSignal): Promise<void> {
  const incoming = join(home, "versions", ".incoming");
  const archive = join(incoming, "archive");
  const tree = join(incoming, "tree");
  // What an interrupted fetch has left.
  await rm(incoming, { recursive: true, force: true });
  try {
    await mkdir(tree, { recursive: true, mode: 0o755 });
    await fetchArchive(archive, file, calls);
    await unpack(archive, tree, signal);
    await requireVersion(tree, version, signal);
    await rm(join(home, "versions", version), { recursive: true, force: true });
    // A power cut after the rename must not find empty files.
    await promisify(execFile)("sync", ["--file-system", tree]);
    await rename(tree, join(home, "versions", version));
    await promisify(execFile)("sync", ["--file-system", home]);
  } finally {
    await rm(incoming, { recursive: true, force: true });
  }
}

async function fetchArchive(path: string, { name, size, sha256 }: ReleaseFile, calls: Pick<ReleaseCalls, "read">): Promise<void> {
  const refused = (what: string) => new AgentError("release-refused", `${name} is not the file that was signed: ${what}; nothing was installed`, { hint: "copy the release to the controller again", target: name });
  await using handle = await open(path, "w", 0o600);
  const hash = createHash("sha256");
  for (let offset = 0; offset < size; ) {
    const part = await calls.read(name, offset);
    if (part.length === 0) throw refused(`it ends after ${offset} of ${size} bytes`);
    if (offset + part.length > size) throw refused(`it is longer than ${size} bytes`);
    hash.update(part);
    await handle.write(part);
    offset += part.length;
  }
  if (hash.digest("hex") !== sha256) throw refused("its digest is another");
}

/** Node opens the compression: the host may have no gzip. */
async function unpack(archive: string, tree: string, signal: AbortSignal): Promise<void> {
  const tar = spawn("tar", ["--extract", "--no-same-owner", "--strip-components=2", "--directory", tree, "lib/samepage"], { stdio: ["pipe", "ignore", "ignore"], signal });
  const ended = once(tar, "close");
  // tar ends at the archive's end mark, which can be before it has been told that nothing follows; what it made of it, its exit code says.
  const fed = pipeline(createReadStream(archive), createGunzip(), tar.stdin, { signal }).catch((error: unknown) => {
    if (!["ERR_STREAM_PREMATURE_CLOSE", "EPIPE"].includes(codeOf(error))) throw error;
  });
  await Promise.all([fed, ended]);
  if (tar.exitCode !== 0) throw new AgentError("release-refused", `the release cannot be unpacked: tar ended with ${tar.exitCode ?? "a signal"}`, { hint: "is the disk full?", target: tree });
}

/** The host can run it at all, and it is what it says to be. */
async function requireVersion(tree: string, version: string, signal: AbortSignal): Promise<void> {
  try {
    const { stdout } = await promisify(execFile)(join(tree, "bin/node"), [join(tree, "lib/samepage.mjs"), "--version"], { signal, timeout: versionMs });
    if (stdout.trim() !== version) throw new Error(`it says to be ${stdout.trim().slice(0, 64)}`);
  } catch (cause) {
    signal.throwIfAborted();
    throw new AgentError("release-refused", `${version} does not run on this host: ${messageOf(cause)}; nothing was installed`, { hint: "is it for this kind of system?", target: tree, cause });
  }
}
