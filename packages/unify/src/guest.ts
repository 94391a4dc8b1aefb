/** A guest's root tree, as the engine sees it. */
export interface Guest {
  /** Unique on the host, e.g. `lxc/web-1` or, for `samepage local`, the directory as given. */
  readonly name: string;
  /** Absolute path of the root directory. */
  readonly path: string;
  /** Trust domain: nothing is ever shared across domains. */
  readonly domain: string;
  /** `unknown` is treated like `running`: the careful choice. */
  readonly state: "running" | "stopped" | "unknown";
  /** Set where this is the host's own root: guests may lie in it, and it shares only what is its own. */
  readonly host?: HostTree;
}

/** What of the host's own tree takes no part. */
export interface HostTree {
  /** Absolute paths of directories that hold others' files or state: roots of guests, whether or not they take part. They need not exist. */
  readonly leftOut: readonly string[];
}
