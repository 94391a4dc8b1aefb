import { UnifyError } from "../unify-error.ts";
import { ConffileSet } from "./conffile-set.ts";
import { DatabaseFault } from "./database-fault.ts";
import { readDpkgConffiles } from "./dpkg-conffiles.ts";
import { GuestTree } from "./guest-file.ts";
import { findRpmDatabases, readRpmConffiles } from "./rpm-conffiles.ts";

/**
 * The files a guest's packages call configuration, read from dpkg's and rpm's own databases without running anything
 * of the guest's: paths absolute within the guest, bytes as latin1. The guest is hostile: nothing outside its root is
 * read, sizes are bounded, and a database that cannot be read gives one finding while the others still count.
 * @param guestRoot absolute path on the host
 * @param finding gets `package-database-corrupt` or `package-database-unsupported`, once for each such database
 * @throws UnifyError `bad-guest` when the root cannot be opened; the signal's reason when aborted
 */
export async function readConffiles(guestRoot: string, signal: AbortSignal, finding: (problem: UnifyError) => void): Promise<Set<string>> {
  using tree = openTree(guestRoot);
  const conffiles = new ConffileSet();
  const attempt = async (path: string, read: () => boolean | Promise<unknown>) => {
    try {
      await read();
    } catch (error) {
      signal.throwIfAborted();
      finding(toFinding(`${guestRoot}/${path}`, error));
    }
  };
  await attempt("var/lib/dpkg", () => readDpkgConffiles(tree, conffiles, signal));
  for (const path of findRpmDatabases(tree)) {
    await attempt(path, () => readRpmConffiles(tree, path, conffiles, signal));
  }
  return conffiles.paths;
}

function openTree(guestRoot: string): GuestTree {
  try {
    return new GuestTree(guestRoot);
  } catch (error) {
    throw new UnifyError("bad-guest", guestRoot, "cannot be opened as a directory", "Give the guest's root directory, readable by root.", { cause: error });
  }
}

function toFinding(path: string, error: unknown): UnifyError {
  const reason = error instanceof Error ? error.message : String(error);
  if (error instanceof DatabaseFault && error.kind === "unsupported") {
    return new UnifyError("package-database-unsupported", path, reason, "Exclude this guest's configuration files by rules; its packages' own list was not used.", { cause: error });
  }
  return new UnifyError(
    "package-database-corrupt",
    path,
    reason,
    "Repair it inside the guest (dpkg --audit, rpm --rebuilddb), or exclude its configuration files by rules; its packages' own list is incomplete.",
    { cause: error },
  );
}
