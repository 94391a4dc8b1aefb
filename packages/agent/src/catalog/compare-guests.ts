import { compareTrees, type DriftSummary, readManifest, summariseDrift } from "@samepage/catalog";
import type { DriftOperation, DriftResult, GuestDrift } from "@samepage/proto";
import type { DiscoveredGuest } from "../discovery/discover-guests.ts";
import { AgentError } from "../agent-error.ts";
import type { CatalogCalls } from "./catalog-calls.ts";
import { describeTree, type DescribeOptions } from "./describe-tree.ts";
import { escapedPath } from "./escaped-path.ts";

/** Guests in a report, and differences of each: below 1 MiB even with long paths. */
const sentGuests = 50;
const sentItems = 50;

interface FetchedTemplate {
  readonly version: string;
  readonly domain: string;
  readonly name: string;
  readonly bytes: Buffer;
}

/**
 * Compares guests with a template version, one after the other. Guests of other domains are left out: what a template
 * has is none of their business.
 * @throws AgentError, CatalogError or LinuxError
 */
export async function compareGuests(operation: DriftOperation, guests: readonly DiscoveredGuest[], calls: CatalogCalls, options: Omit<DescribeOptions, "onFrame">): Promise<DriftResult> {
  const template = await fetchTemplate(operation, calls);
  const own = guests.filter(({ domain }) => domain === template.domain);
  if (own.length === 0) throw new AgentError("discovery", `no chosen guest is of domain ${template.domain}`, { hint: "samepage guest ls shows domains; agent.yaml sets them" });
  const compared: GuestDrift[] = [];
  for (const { name, path } of own) {
    const frames: Buffer[] = [];
    const built = await describeTree(path, { ...options, onFrame: async (frame) => {
        frames.push(frame);
      },
    });
    const summary = summariseDrift(compareTrees(readManifest(template.bytes, template.name), readManifest(Buffer.concat(frames), built.name)), undefined, sentItems);
    compared.push(toGuestDrift(name, summary));
  }
  return { template: operation.template, version: template.version, guests: compared.slice(0, sentGuests), guestsOmitted: Math.max(0, compared.length - sentGuests) };
}

async function fetchTemplate({ template, version: asked }: DriftOperation, calls: CatalogCalls): Promise<FetchedTemplate> {
  const first = await calls.readTemplate(template, asked, 0);
  const parts = [Buffer.from(first.bytes)];
  // By the version found first: an alias may move meanwhile.
  for (let part = 1; part < first.parts; part++) parts.push(Buffer.from((await calls.readTemplate(template, first.version, part)).bytes));
  return { version: first.version, domain: first.domain, name: Buffer.from(first.manifest).toString("hex"), bytes: Buffer.concat(parts) };
}

function toGuestDrift(name: string, { same, counts, bytes, items, omitted }: DriftSummary): GuestDrift {
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
    items: items.map(({ kind, path, package: owner = "" }) => ({ kind, path: escapedPath(path), package: owner })),
    itemsOmitted: BigInt(omitted),
  };
}
