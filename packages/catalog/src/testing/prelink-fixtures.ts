import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";

/** Real prelinked files, which are not part of this repository; SAMEPAGE_PRELINK_FIXTURES names their directory. */
export interface PrelinkFixtures {
  /** Prelinked file → SHA-256 of its original, which prelink's own undo restores. */
  exact: Record<string, string>;
  /** Files that prelink's own undo does not restore. */
  inexact: Record<string, { original: string; prelinkUndo: string | null; recoverable: boolean; why: string }>;
  read(file: string): Buffer;
}

/** Why tests on real files skip. */
export const fixturesReason = "no real prelinked files here: set SAMEPAGE_PRELINK_FIXTURES to a directory with sha256.json and inexact.json";

/** The fixtures, from the environment or from `shared/fixtures/prelink` beside any parent of this checkout. */
export function prelinkFixtures(): PrelinkFixtures | undefined {
  const root = process.env["SAMEPAGE_PRELINK_FIXTURES"] ?? besideCheckout(import.meta.dirname);
  if (root === undefined || !existsSync(join(root, "sha256.json"))) return undefined;
  const exact: PrelinkFixtures["exact"] = JSON.parse(readFileSync(join(root, "sha256.json"), "utf8"));
  const inexact: PrelinkFixtures["inexact"] = JSON.parse(readFileSync(join(root, "inexact.json"), "utf8"));
  return { exact, inexact, read: (file) => readFileSync(join(root, file)) };
}

function besideCheckout(from: string): string | undefined {
  for (let directory = from; dirname(directory) !== directory; directory = dirname(directory)) {
    const candidate = join(directory, "shared/fixtures/prelink");
    if (existsSync(candidate)) return candidate;
  }
  return undefined;
}
