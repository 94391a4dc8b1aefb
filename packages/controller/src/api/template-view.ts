/** A template version that an operator wants published. */
export interface PublishTemplate {
  readonly name: string;
  readonly version: string;
  readonly host: string;
  /** Root of the tree on the host. */
  readonly path: string;
  /** Trust domain whose guests may share with it. Default `default`. */
  readonly domain?: string;
}

/** Guests to compare with a template version. */
export interface CompareWithTemplate {
  readonly name: string;
  /** Version or alias; default `latest`. */
  readonly version?: string;
  /** As in CreateRollout. */
  readonly selector?: string;
  /** Shell-style patterns over guest names. Default: every guest. */
  readonly guests?: readonly string[];
  /** Only those of them that the template is assigned to. Default false. */
  readonly assigned?: boolean;
}

export interface TemplateVersionView {
  readonly version: string;
  /** SHA-256 of the manifest, hex. */
  readonly manifest: string;
  readonly manifestBytes: number;
  readonly entries: number;
  /** Bytes of its files. */
  readonly bytes: number;
  readonly source: { readonly host: string; readonly path: string };
  readonly publishedAt: string;
  /** Still there to compare with; no longer in the catalog. */
  readonly retired: boolean;
}

export interface TemplateView {
  readonly name: string;
  readonly domain: string;
  /** Oldest first. */
  readonly versions: readonly TemplateVersionView[];
  /** Alias → version; `latest` follows publication. */
  readonly aliases: Readonly<Record<string, string>>;
  /** Shell-style patterns over the names of guests that are made from it: what `drift` without a template compares. */
  readonly guests: readonly string[];
}

/** What one domain's agents hold. */
export interface CatalogView {
  readonly domain: string;
  readonly epoch: number;
  readonly publishedAt: string;
  readonly digests: number;
  readonly segments: number;
  /** Bytes that an agent without any of it fetches. */
  readonly wireBytes: number;
  readonly templates: number;
}
