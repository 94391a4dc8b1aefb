import { createHash } from "node:crypto";
import { mkdir, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";

/** Bytes of one file: large enough that a read rate is felt, small enough for many. */
const usualBytes = 512 * 1024;

/** Modification time of all files, seconds since the epoch. */
const packaged = 1_700_000_000;

/**
 * Guests `a` and `b` below a host's root with the same files, and one file of their own each.
 * @param seed makes the files of one host differ from those of others: hosts that share a file system here would share these too.
 * @param fileBytes of another size for each such host: what is as large as a pool's objects is compared with them.
 */
export async function makeGuests(root: string, files: number, seed = "", fileBytes = usualBytes): Promise<readonly string[]> {
  const guests = ["a", "b"].map((name) => join(root, "guests", name));
  for (const guest of guests) {
    await mkdir(join(guest, "usr"), { recursive: true });
    await writeFile(join(guest, "hostname"), guest);
    for (let file = 0; file < files; file++) {
      const path = join(guest, "usr", `file-${file}`);
      await writeFile(path, contentOf(`${seed} ${file}`, fileBytes));
      // As a package manager installs it: files of other times are not the same file.
      await utimes(path, packaged, packaged);
    }
  }
  return guests;
}

/** The same for the same name, different for each. */
function contentOf(name: string, bytes: number): Buffer {
  const block = createHash("sha512").update(name).digest();
  return Buffer.alloc(bytes, block);
}
