import { execFileSync } from "node:child_process";
import { randomFillSync } from "node:crypto";
import { closeSync, constants, mkdirSync, openSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { buildManifest } from "@samepage/catalog";
import { temporaryDirectory } from "@samepage/test-support";
import type { Measured } from "./measured.ts";

const files = 50_000;
const rounds = 3;

/** A tree of 50,000 files, 6 KiB on average, log-normal, as a distribution has them. */
function makeTree(root: string): void {
  const content = randomFillSync(Buffer.alloc(1024 * 1024));
  for (let directory = 0; directory < 500; directory++) {
    const path = join(root, `usr/share/d${directory}`);
    mkdirSync(path, { recursive: true });
    for (let file = 0; file < files / 500; file++) {
      const normal = Math.sqrt(-2 * Math.log(1 - Math.random())) * Math.cos(2 * Math.PI * Math.random());
      const size = Math.min(content.length, Math.round(2048 * Math.exp(1.5 * normal)));
      content.writeUInt32LE(directory * 1000 + file, 0);
      writeFileSync(join(path, `file-${file}`), content.subarray(0, Math.max(4, size)));
    }
  }
}

/** Publishing a template against reading the same tree with cat, side by side, the best of three rounds each. */
export async function* benchPublish(): AsyncGenerator<Measured> {
  await using directory = await temporaryDirectory();
  makeTree(directory.path);
  const root = openSync(directory.path, constants.O_RDONLY | constants.O_DIRECTORY);
  let read = Number.POSITIVE_INFINITY;
  let publish = Number.POSITIVE_INFINITY;
  let bytes = 0;
  for (let round = 0; round < rounds; round++) {
    const readStart = performance.now();
    execFileSync("sh", ["-c", 'find "$1" -type f -exec cat {} + > /dev/null', "sh", directory.path]);
    read = Math.min(read, performance.now() - readStart);
    bytes = 0;
    const publishStart = performance.now();
    const built = await buildManifest({
      root,
      conffiles: new Set(),
      onFrame: (frame) => {
        bytes += frame.length;
        return Promise.resolve();
      },
    });
    publish = Math.min(publish, performance.now() - publishStart);
    if (built.failures.length > 0) throw new Error(`${built.failures.length} files could not be read`);
  }
  closeSync(root);
  yield { what: "plain read of 50,000 files (find | cat, page cache)", value: read, unit: "ms" };
  yield { what: "publish of the same files", value: publish, unit: "ms" };
  yield { what: "publish against plain read", value: publish / read, unit: "×", limit: 2 };
  yield { what: "manifest, per file", value: bytes / files, unit: "B" };
}
