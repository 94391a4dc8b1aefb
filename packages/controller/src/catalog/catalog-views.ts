import type { Candidate } from "@samepage/catalog";
import type { AgentCatalogView, CandidateView, FleetDriftView, GuestDriftView } from "../api/catalog-view.ts";
import type { AgentCatalog } from "./agent-catalogs.ts";
import type { FleetDriftRecord, GuestDriftRecord } from "./drift-ledger.ts";

/** @param published epoch of the domain's newest catalog */
export function toAgentCatalogView({ host, domain, epoch, entries, reportedAt, findings }: AgentCatalog, published: number): AgentCatalogView {
  return { host, domain, epoch, digests: entries, behind: epoch < published, reportedAt: iso(reportedAt), findings: findings.map(({ code, message, at }) => ({ code, message, at: iso(at) })) };
}

export function toFleetDriftView(template: string, domain: string, { guests, clean, counts, bytes, prelinkedBytes, prelinkCron, behind, common, oldestAt, newestAt }: FleetDriftRecord): FleetDriftView {
  const drifted = common.map((item) => ({ kind: item.kind, path: item.path.toString(), guests: item.guests }));
  return { template, domain, guests, clean, counts, bytes, prelinkedBytes, prelinkCron, behind, common: drifted, oldestAt: iso(oldestAt), newestAt: iso(newestAt) };
}

export function toGuestDriftView({ host, guest, version, at, prelinkCron, summary }: GuestDriftRecord): GuestDriftView {
  const { same, counts, bytes, prelinkedBytes, behind } = summary;
  const items = summary.items.map(({ kind, path }) => ({ kind, path: path.toString() }));
  return { host, guest, version, comparedAt: iso(at), same, counts, bytes, prelinkedBytes, prelinkCron, behind, items };
}

export function toCandidateView({ domain, guests, files, bytes, saving, examples }: Candidate): CandidateView {
  return { domain, guests, files, bytes, saving, examples: examples.map((path) => path.toString()) };
}

function iso(at: number): string {
  return new Date(at).toISOString();
}
