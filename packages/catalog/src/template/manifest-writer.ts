import { createHash } from "node:crypto";
import { zstdCompressSync } from "node:zlib";
import { CatalogError } from "../catalog-error.ts";
import { writeEntry } from "./entry-codec.ts";
import { frameHeaderBytes, frameTarget } from "./manifest-format.ts";
import { RecordWriter } from "./record-writer.ts";
import type { TreeEntry } from "./tree-entry.ts";

/** Where a writer stands between two frames: what has to be kept to go on after an interruption. */
export interface WriterPosition {
  /** Path of the last entry written; empty at the start. */
  lastPath: Buffer;
  /** Digests of the frames so far, 32 bytes each. */
  frames: Buffer;
  entries: number;
}

const start: WriterPosition = { lastPath: Buffer.alloc(0), frames: Buffer.alloc(0), entries: 0 };

/** Codes entries, which come sorted by path, into frames. */
export class ManifestWriter {
  private readonly frames: Buffer[];
  private record = new RecordWriter();
  private inFrame = 0;
  private before: Buffer;
  private entries: number;

  /** @param position where an interrupted writer stood; entries up to its lastPath must not be given again. */
  constructor(position: WriterPosition = start) {
    this.before = position.lastPath;
    this.entries = position.entries;
    this.frames = [position.frames];
  }

  /**
   * Adds an entry.
   * @returns a frame when one is full
   * @throws CatalogError `template-corrupt` when entries are not sorted by path.
   */
  add(entry: TreeEntry): Buffer | undefined {
    if (this.entries > 0 && Buffer.compare(this.before, entry.path) >= 0) {
      throw new CatalogError("template-corrupt", `${entry.path.toString()} comes after ${this.before.toString()}`);
    }
    writeEntry(this.record, entry, this.inFrame === 0 ? Buffer.alloc(0) : this.before);
    this.before = entry.path;
    this.entries++;
    this.inFrame++;
    return this.record.length >= frameTarget ? this.endFrame() : undefined;
  }

  /** Position after the last frame returned; entries added since are lost with this writer. */
  get position(): WriterPosition {
    return { lastPath: this.before, frames: Buffer.concat(this.frames), entries: this.entries };
  }

  /** Ends the manifest. @returns the remaining frames and the manifest's name, SHA-256 in hex. */
  finish(): { frames: Buffer[]; name: string } {
    const rest = this.inFrame === 0 ? [] : [this.endFrame()];
    const name = createHash("sha256").update(Buffer.concat(this.frames)).digest();
    return { frames: [...rest, frame(name, name.length, 0).bytes], name: name.toString("hex") };
  }

  private endFrame(): Buffer {
    const raw = this.record.finish();
    const { bytes, digest } = frame(zstdCompressSync(raw), raw.length, this.inFrame);
    this.frames.push(digest);
    this.record = new RecordWriter();
    this.inFrame = 0;
    return bytes;
  }
}

function frame(body: Buffer, unpacked: number, entries: number): { bytes: Buffer; digest: Buffer } {
  const header = Buffer.alloc(frameHeaderBytes);
  header.writeUInt32LE(body.length, 0);
  header.writeUInt32LE(unpacked, 4);
  header.writeUInt32LE(entries, 8);
  const digest = createHash("sha256").update(header.subarray(0, 12)).update(body).digest();
  digest.copy(header, 12);
  return { bytes: Buffer.concat([header, body]), digest };
}
