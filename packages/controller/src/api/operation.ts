/** Which guests of a host an operation is for, and how. Everything is optional: the host's own settings (agent.yaml) fill in. */
export interface UnifySettings {
  /** Default `auto`. */
  readonly strategy?: "auto" | "hardlink" | "reflink";
  /** Default: the strongest that the kernel and the guests' state allow. */
  readonly guard?: "cow" | "immutable" | "none";
  /** Lines in vunify-exclude syntax, first match wins. Default: the engine's built-in list. */
  readonly excludes?: readonly string[];
  /** Bytes; smaller files are left alone. Default 16. */
  readonly minSize?: number;
  /** Default false. */
  readonly ignoreMtime?: boolean;
}

/**
 * What a rollout does on each host. A closed set: nothing that a controller sends can run a program of its choosing.
 * `plan` is the dry run of `unify`: the same settings, nothing changed, the predicted saving reported.
 */
export interface Operation {
  readonly kind: OperationKind;
  /** Shell-style patterns (`*`, `?`) over guest names, e.g. `lxc/*`. Default: every guest of the host. */
  readonly guests?: readonly string[];
  /** For `plan` and `unify` only. */
  readonly settings?: UnifySettings;
}

export const operationKinds = ["plan", "unify", "deunify", "verify", "gc"] as const;

export type OperationKind = (typeof operationKinds)[number];
