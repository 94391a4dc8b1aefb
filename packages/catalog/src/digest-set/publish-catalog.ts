import type { KeyObject } from "node:crypto";
import { signManifest } from "./catalog-manifest.ts";
import type { CatalogManifest } from "./catalog-manifest.ts";
import type { CatalogLists } from "./digest-set.ts";
import { listChecksum } from "./list-checksum.ts";
import { planSegment } from "./plan-segments.ts";
import type { SegmentLayout } from "./plan-segments.ts";
import { prefixCount } from "./prefix-list.ts";
import { emptyLists, encodeSegment, segmentName } from "./segment.ts";

/** What a publisher keeps of one domain between two publications. */
export interface PublishedCatalog {
  manifest: CatalogManifest;
  layout: SegmentLayout;
  lists: CatalogLists;
}

/** What has to be stored and announced: first the segment, then the manifest that names it. */
export interface Publication extends PublishedCatalog {
  segment: { name: string; bytes: Buffer };
  signed: Buffer;
}

export interface PublishOptions {
  domain: string;
  /** Ed25519 private key. */
  key: KeyObject;
  /** Epoch milliseconds. */
  now: number;
  /** Seconds; default 300: a template is published a few times a day, and an idle question costs both sides. */
  minimumWait?: number;
}

/** Computes the next publication of a domain. @returns undefined when nothing changed. */
export function publishCatalog(before: PublishedCatalog | undefined, after: CatalogLists, options: PublishOptions): Publication | undefined {
  const planned = planSegment(before?.lists ?? emptyLists, after, before?.layout);
  if (planned === undefined) return undefined;
  const bytes = encodeSegment(planned.segment);
  const segment = { name: segmentName(bytes), bytes };
  const entry = { name: segment.name, bytes: bytes.length };
  const base = planned.segment.kind === "base";
  // A delta leaves stale sizes in the agents' lists; ours must be the same.
  const known = base ? [] : (before?.lists.sizes ?? []);
  const lists = { prefixes: after.prefixes, sizes: base ? after.sizes : [...known, ...planned.segment.addedSizes].sort((a, b) => a - b) };
  const manifest: CatalogManifest = {
    format: 1,
    domain: options.domain,
    epoch: (before?.manifest.epoch ?? 0) + 1,
    issuedAt: options.now,
    segments: base ? [entry] : [...(before?.manifest.segments ?? []), entry],
    entries: prefixCount(after.prefixes),
    checksum: listChecksum(lists),
    minimumWait: options.minimumWait ?? 300,
  };
  return { segment, manifest, layout: planned.layout, lists, signed: signManifest(manifest, options.key) };
}
