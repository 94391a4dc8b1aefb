/** How one domain's catalog stands at one host. */
export interface AgentCatalogView {
  readonly host: string;
  readonly domain: string;
  /** Of the catalog in force there; 0: none is. */
  readonly epoch: number;
  readonly digests: number;
  /** The controller has published a newer one. Normal for some minutes after a publication. */
  readonly behind: boolean;
  readonly reportedAt: string;
  /** What the agent refused, newest first: corrupt, replayed or wrongly signed. The catalog before it stays in force. */
  readonly findings: readonly { readonly code: string; readonly message: string; readonly at: string }[];
}

/** Names that differ, by how. */
export interface DriftCounts {
  readonly modified: number;
  readonly missing: number;
  readonly extra: number;
  readonly permissions: number;
  readonly prelinked: number;
  readonly conffile: number;
}

/** What the newest comparison of each guest with one template comes to, over the fleet. */
export interface FleetDriftView {
  readonly template: string;
  readonly domain: string;
  /** Guests that were compared, and those without any difference but configuration and names of their own. */
  readonly guests: number;
  readonly clean: number;
  readonly counts: DriftCounts;
  /** In files that cannot be shared with the template any more; those of them in prelinked variants. */
  readonly bytes: number;
  readonly prelinkedBytes: number;
  /** Guests in which a job runs prelink, which undoes sharing every night. */
  readonly prelinkCron: number;
  /** "412 guests still on openssl from @3": most guests first. */
  readonly behind: readonly { readonly package: string; readonly version: string; readonly guests: number }[];
  /** Names that drifted in most guests, as reports write paths. */
  readonly common: readonly { readonly kind: string; readonly path: string; readonly guests: number }[];
  /** When the oldest and the newest of these comparisons were made. */
  readonly oldestAt: string;
  readonly newestAt: string;
}

/** The newest comparison of one guest with a template. */
export interface GuestDriftView {
  readonly host: string;
  readonly guest: string;
  readonly version: string;
  readonly comparedAt: string;
  readonly same: number;
  readonly counts: DriftCounts;
  readonly bytes: number;
  readonly prelinkedBytes: number;
  readonly prelinkCron: boolean;
  readonly behind: readonly { readonly package: string; readonly version: string; readonly files: number }[];
  /** The first differences but extra names; the rollout's report has more. */
  readonly items: readonly { readonly kind: string; readonly path: string }[];
}

/** Files that the same guests have in common and no template covers. */
export interface CandidateView {
  readonly domain: string;
  /** `<host>/<guest>`. */
  readonly guests: readonly string[];
  readonly files: number;
  /** Of the files once, and what sharing them frees at most: copies on different hosts do not share. */
  readonly bytes: number;
  readonly saving: number;
  /** Some of the paths. */
  readonly examples: readonly string[];
}

export interface CandidatesView {
  readonly candidates: readonly CandidateView[];
  /** Hosts whose guests were looked at within 30 days; see LookForCandidates. */
  readonly hosts: number;
}

/** Asks hosts to look for files that no template covers. */
export interface LookForCandidates {
  /** As in CreateRollout. */
  readonly selector?: string;
  /** Shell-style patterns over guest names. Default: every guest. */
  readonly guests?: readonly string[];
  /** Bytes; smaller files are not looked at. Default 65,536: small files cost many links for little space. */
  readonly minSize?: number;
}

/** Files to put back from a template version. */
export interface RestoreFromTemplate {
  readonly name: string;
  /** Version or alias; default `latest`. */
  readonly version?: string;
  readonly selector?: string;
  /** Shell-style patterns over guest names; required: nothing is overwritten everywhere by default. */
  readonly guests: readonly string[];
  /** Paths below a guest's root, with or without a leading slash. */
  readonly paths?: readonly string[];
  /** Instead of paths: the template's prelinked libraries and programs over the guests' other prelinked variants. */
  readonly adoptPrelink?: boolean;
}
