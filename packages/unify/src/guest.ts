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
}
