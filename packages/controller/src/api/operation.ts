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
  /** `template`: only what the catalog of a guest's domain knows. Default `all`: everything identical within the domain. */
  readonly scope?: "all" | "template";
}

/**
 * What a rollout does on each host. A closed set: nothing that a controller sends can run a program of its choosing.
 * `plan` is the dry run of `unify`: the same settings, nothing changed, the predicted saving reported.
 * `ksm-tune` merges the guests' equal memory and goes on tuning; a host that backs off fails, and the rollout's budget
 * is the gate. `ksm-restore` puts everything back. `upgrade` runs another version of the agent, if the host's own release
 * key signed it.
 */
export interface Operation {
  readonly kind: OperationKind | CatalogOperationKind;
  /** Shell-style patterns (`*`, `?`) over guest names, e.g. `lxc/*`. Default: every guest of the host. */
  readonly guests?: readonly string[];
  /** For `plan` and `unify`; `candidates` takes `minSize`. */
  readonly settings?: UnifySettings;
  /** For `ksm-tune` only. */
  readonly ksm?: KsmSettings;
  /** For `upgrade` only. */
  readonly upgrade?: UpgradeSettings;
  /** For `publish-template`, `drift` and `restore` only. */
  readonly template?: TemplateTarget;
}

/** How the memory of a host's guests is merged. */
export interface KsmSettings {
  /** Only guests of this trust domain. Default: all that `guests` names, which must be of one domain. */
  readonly domain?: string;
  /** What ksmd may use of one core while it merges, percent 1…95. Default 70. */
  readonly cpuPercent?: number;
  /** Merge empty pages with the kernel's zero page. Default false. */
  readonly zeroPages?: boolean;
}

/** Which version of the agent. */
export interface UpgradeSettings {
  /** Default: that of the controller's release. */
  readonly version?: string;
}

/** The template version that an operation publishes or compares with. */
export interface TemplateTarget {
  readonly name: string;
  /** To compare with: also an alias. */
  readonly version: string;
  /** To publish: root of the tree on the host, and the trust domain it belongs to. */
  readonly path?: string;
  readonly domain?: string;
  /** To compare with: only guests with such names. */
  readonly assigned?: readonly string[];
  /** To restore: paths without a leading slash, or every prelinked variant. */
  readonly paths?: readonly string[];
  readonly adoptPrelink?: boolean;
}

/** What rollouts do for the catalog; they are created by its own routes, which check that the template fits. */
type CatalogOperationKind = "publish-template" | "drift" | "restore" | "candidates";

export const operationKinds = ["plan", "unify", "deunify", "verify", "gc", "ksm-tune", "ksm-restore", "upgrade"] as const;

export type OperationKind = (typeof operationKinds)[number];
