import { compareTrees, type DriftSummary, indexVersions, readManifest, summariseDrift, type TreeEntry, type VersionOf } from "@samepage/catalog";
import { globToRegExp } from "@samepage/fleet";
import type { DriftOperation, DriftResult, GuestDrift } from "@samepage/proto";
import { AgentError } from "../agent-error.ts";
import type { DiscoveredGuest } from "../discovery/discover-guests.ts";
import type { CatalogCalls } from "./catalog-calls.ts";
import { describeGuest, type DescribeLimits } from "./describe-tree.ts";
import { escapedPath } from "./escaped-path.ts";
import { type FetchedTemplate, fetchTemplate } from "./fetch-template.ts";
import { hasPrelinkCron } from "./prelink-cron.ts";

/** Guests in a report, and differences and packages of each: below 1 MiB even with long paths. */
const sentGuests = 50;
const sentItems = 50;
const sentPackages = 50;

/** Other versions of the template that are looked at to say where a guest's files come from; each is a manifest to fetch. */
const versionsCompared = 8;

/**
 * Compares guests with a template version, one after the other. Guests of other domains are left out: what a template
 * has is none of their business.
 * @throws AgentError, CatalogError or LinuxError
 */
export async function compareGuests(operation: DriftOperation, guests: readonly DiscoveredGuest[], calls: CatalogCalls, limits: DescribeLimits): Promise<DriftResult> {
  const template = await fetchTemplate(operation, calls);
  const assigned = operation.assigned.map(globToRegExp);
  const own = guestsOfDomain(guests, template.domain).filter(({ name }) => assigned.length === 0 || assigned.some((pattern) => pattern.test(name)));
  let versionOf: VersionOf | undefined;
  const compared: GuestDrift[] = [];
  for (const { name, path } of own) {
    const { entries, prelinkCron } = await describeGuest(path, limits, (root) => ({ prelinkCron: hasPrelinkCron(root) }));
    // Only when something is not the template's do its other versions matter.
    if (versionOf === undefined && hasModified(template, entries)) versionOf = await otherVersions(operation.template, template, calls);
    const summary = summariseDrift(compareTrees(read(template), entries), versionOf, sentItems);
    compared.push(toGuestDrift(name, summary, prelinkCron));
  }
  return { template: operation.template, version: template.version, guests: compared.slice(0, sentGuests), guestsOmitted: Math.max(0, compared.length - sentGuests) };
}

/** @throws AgentError `discovery` when there is none */
export function guestsOfDomain(guests: readonly DiscoveredGuest[], wanted: string): readonly DiscoveredGuest[] {
  const own = guests.filter(({ domain }) => domain === wanted);
  if (own.length === 0) throw new AgentError("discovery", `no chosen guest is of domain ${wanted}`, { hint: "samepage guest ls shows domains; agent.yaml sets them" });
  return own;
}

function read({ bytes, name }: FetchedTemplate): Generator<TreeEntry, void> {
  return readManifest(bytes, name);
}

function hasModified(template: FetchedTemplate, entries: readonly TreeEntry[]): boolean {
  for (const { kind } of compareTrees(read(template), entries)) if (kind === "modified" || kind === "conffile") return true;
  return false;
}

async function otherVersions(name: string, template: FetchedTemplate, calls: CatalogCalls): Promise<VersionOf> {
  const others: [string, Iterable<TreeEntry>][] = [];
  for (const version of template.others.slice(0, versionsCompared)) others.push([version, read(await fetchTemplate({ template: name, version }, calls))]);
  return indexVersions(read(template), others);
}

function toGuestDrift(name: string, { same, counts, bytes, prelinkedBytes, behind, items, omitted }: DriftSummary, prelinkCron: boolean): GuestDrift {
  return {
    name,
    same: BigInt(same),
    modified: BigInt(counts.modified),
    missing: BigInt(counts.missing),
    extra: BigInt(counts.extra),
    permissions: BigInt(counts.permissions),
    prelinked: BigInt(counts.prelinked),
    conffile: BigInt(counts.conffile),
    bytes: BigInt(bytes),
    prelinkedBytes: BigInt(prelinkedBytes),
    prelinkCron,
    behind: behind.slice(0, sentPackages).map(({ package: owner, version, files }) => ({ package: owner, version, files: BigInt(files) })),
    items: items.map(({ kind, path, package: owner = "", version = "" }) => ({ kind, path: escapedPath(path), package: owner, version })),
    itemsOmitted: BigInt(omitted),
  };
}
