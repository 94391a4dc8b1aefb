import type { Guest } from "@samepage/unify";

/** A guest as a provider finds it; its domain is the host's decision. */
export interface FoundGuest {
  /** `<provider>/<name>`, unique on the host. */
  readonly name: string;
  readonly provider: string;
  /** Absolute path of the root directory on the host: no symbolic link in it. */
  readonly path: string;
  readonly state: Guest["state"];
  /** Why it has no tree to unify: its root is mounted only while it runs. Its memory can merge all the same. `path` is then its own directory. */
  readonly memoryOnly?: string;
}

/** Where a provider looks. */
export interface DiscoveryContext {
  /** What stands before every absolute path, `""` on a real host. */
  readonly root: string;
  /** Whether a process has this directory as its root; see process-roots. */
  readonly isProcessRoot: (path: string) => Promise<boolean>;
  /** Says why something that looks like a guest is left out. */
  readonly skipped: (path: string, reason: string) => void;
}

/** Finds the guests of one kind without running anything of theirs. What is not installed is an empty list. */
export interface GuestProvider {
  readonly name: string;
  discover(context: DiscoveryContext): Promise<readonly FoundGuest[]>;
}
