import { mkdir } from "node:fs/promises";
import { baseOf } from "./base.ts";
import type { PackageSet } from "./package-sets.ts";
import { unpack } from "./unpack.ts";

/** A root tree as Debian's packages make it, without a guest's drift: to install things in, or to boot. */
export async function buildSystem(set: Exclude<PackageSet, "machine">, directory: string): Promise<void> {
  const { release } = await baseOf(set, false, () => {});
  await mkdir(directory, { recursive: true });
  await unpack(release, directory);
}
