import { link, mkdir, symlink, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";

/** Seconds; files are unified only with equal times. */
const writtenAt = 1_700_000_000;

/** A small guest: `files` files, four in five of them the same in every guest, some hard-linked, in a few directories. */
export async function plantSmallTree(root: string, guest: number, files: number): Promise<void> {
  for (let number = 0; number < files; number++) {
    const directory = join(root, `usr/lib/d${number % 7}`);
    const file = join(directory, `f${number}`);
    await mkdir(directory, { recursive: true });
    const owner = number % 5 === 0 ? `guest ${guest}` : "all";
    await writeFile(file, `${number} of ${owner}\n`.repeat(50 + ((number * 37) % 900)));
    await utimes(file, writtenAt, writtenAt);
    if (number % 6 === 0) await link(file, join(root, `usr/lib/link-${number}`));
    if (number % 9 === 0) await symlink(`d${number % 7}/f${number}`, join(root, `usr/lib/symlink-${number}`));
  }
}
