import { createReadStream } from "node:fs";
import { open, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { FleetError, parseRelease, type Release, type ReleaseFile } from "@samepage/fleet";
import { ControllerError } from "../api/controller-error.ts";

/** Where the agent's packages lie. Read anew at each use: an operator replaces them while the controller runs. */
export interface ReleaseDirectory {
  /** Undefined where there is no release. @throws ControllerError `invalid` when it cannot be understood. */
  read(): Promise<Release | undefined>;
  /** release.json as it is, with its signature; either is empty where there is none. */
  signed(): Promise<{ readonly manifest: Buffer; readonly signature: Buffer }>;
  /** PEM of the key that signs releases, for hosts to pin when they are installed; empty where there is none. */
  key(): Promise<string>;
  /** One file of the release; undefined when it is not one of them. */
  stream(name: string): Promise<{ readonly file: ReleaseFile; readonly content: Readable } | undefined>;
  /** At most `length` bytes of a file of the release; undefined when it is not one of them. */
  part(name: string, offset: number, length: number): Promise<Buffer | undefined>;
}

export function openReleaseDirectory(directory: string): ReleaseDirectory {
  const content = async (name: string) => {
    const path = join(directory, name);
    return readFile(path).catch((cause: NodeJS.ErrnoException) => {
      if (cause.code === "ENOENT") return Buffer.alloc(0);
      throw new ControllerError("invalid", `the release cannot be read: ${path}: ${cause.code ?? cause.message}`, { hint: "make it readable for the user samepage", target: path, cause });
    });
  };
  const read = async () => {
    const text = await content("release.json");
    return text.length === 0 ? undefined : parse(text.toString("utf8"), directory);
  };
  const find = async (name: string) => (await read())?.files.find((known) => known.name === name);
  return {
    read,
    signed: async () => ({ manifest: await content("release.json"), signature: await content("release.json.sig") }),
    key: async () => (await content("release-key.pem")).toString("utf8").trim(),
    stream: async (name) => {
      const file = await find(name);
      return file === undefined ? undefined : { file, content: createReadStream(join(directory, file.name)) };
    },
    part: async (name, offset, length) => {
      const file = await find(name);
      if (file === undefined) return undefined;
      await using handle = await open(join(directory, file.name));
      const buffer = Buffer.alloc(length);
      const { bytesRead } = await handle.read(buffer, 0, length, offset);
      return buffer.subarray(0, bytesRead);
    },
  };
}

function parse(text: string, directory: string): Release {
  try {
    return parseRelease(text);
  } catch (cause) {
    if (!(cause instanceof FleetError)) throw cause;
    throw new ControllerError("invalid", `${directory}: ${cause.message}`, { hint: cause.hint, target: directory, cause });
  }
}
