import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { addLibraries } from "./initramfs.ts";
import { makeDiskOf } from "./virtual-machine.ts";

const bundler = fileURLToPath(new URL("../../scripts/bundle.mjs", import.meta.url));

/** A disk with the samepage command as it is installed, with Node and the libraries that it needs. Returns its path. */
export function makeSamepageDisk(directory: string): string {
  const content = join(directory, "samepage");
  execFileSync(process.execPath, [bundler, content]);
  addLibraries(content, join(content, "bin/node"));
  return makeDiskOf(content, 256);
}
