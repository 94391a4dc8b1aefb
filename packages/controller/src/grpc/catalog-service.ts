import { status } from "@grpc/grpc-js";
import { resolveVersion } from "@samepage/catalog";
import type { CatalogServiceServer } from "@samepage/proto";
import type { Logger } from "pino";
import type { AgentCatalogs } from "../catalog/agent-catalogs.ts";
import type { ContentCourier } from "../catalog/content-courier.ts";
import type { ContentRelay } from "../catalog/content-relay.ts";
import type { DomainCatalogs } from "../catalog/domain-catalogs.ts";
import type { TemplateStore } from "../catalog/template-store.ts";
import type { Templates } from "../catalog/templates.ts";
import type { UncoveredStore } from "../catalog/uncovered-store.ts";
import { orderedOperation } from "../rollout/ordered-operation.ts";
import type { RolloutStore } from "../rollout/rollout-store.ts";
import type { HostStore } from "../stores/host-store.ts";
import { refusal } from "./refusal.ts";
import { serveMember } from "./serve-member.ts";

export interface CatalogServiceDeps {
  readonly hosts: HostStore;
  readonly store: TemplateStore;
  readonly templates: Templates;
  readonly catalogs: DomainCatalogs;
  readonly agents: AgentCatalogs;
  readonly content: ContentCourier;
  readonly relay: ContentRelay;
  readonly uncovered: UncoveredStore;
  readonly rollouts: RolloutStore;
  /** Public keys of catalog manifests, DER. */
  readonly keys: readonly Buffer[];
  readonly logger: Logger;
}

/** A frame's records are 256 KiB before compression; one large record may exceed that. */
const largestFrame = 1024 * 1024;

/** Refusals of one report that are logged. */
const shownFindings = 10;

/**
 * The agents' face of the catalog. Every call is the peer's own: a host uploads only what an operator ordered from it, and
 * sees only the domains it has guests of, so that digests of one domain are no oracle for another.
 */
export function createCatalogService({ hosts, store, templates, catalogs, agents, content, relay, uncovered, rollouts, keys, logger }: CatalogServiceDeps): CatalogServiceServer {
  const requireDomain = async (host: string, domain: string) => {
    const guests = await hosts.guests(host);
    if (!guests.some((guest) => guest.domain === domain)) throw refusal(status.PERMISSION_DENIED, `${host} has no guest of domain ${domain}`);
  };
  const serve = <Request, Response>(handle: (host: string, request: Request) => Promise<Response>) => serveMember(hosts, logger, handle);
  return {
    beginUpload: serve(async (host, { jobId }) => {
      await templates.ordered(host, jobId);
      return { frames: await store.uploaded(jobId) };
    }),
    putFrame: serve(async (host, { jobId, index, frame }) => {
      await templates.ordered(host, jobId);
      if (frame.length > largestFrame || index < 0) throw refusal(status.INVALID_ARGUMENT, `a frame of ${frame.length} bytes at ${index}`);
      await store.putFrame(jobId, index, Buffer.from(frame));
      return {};
    }),
    endUpload: serve(async (host, { jobId, manifest }) => {
      await templates.end(host, jobId, Buffer.from(manifest).toString("hex"));
      return {};
    }),
    getCatalog: serve(async (host, { domain }) => {
      await requireDomain(host, domain);
      return { manifest: (await catalogs.signed(domain)) ?? Buffer.alloc(0), keys: [...keys] };
    }),
    readSegment: serve(async (host, { domain, name, part }) => {
      await requireDomain(host, domain);
      const found = await catalogs.segmentPart(domain, name, part);
      if (found === undefined) throw refusal(status.NOT_FOUND, `the catalog of ${domain} has no part ${part} of segment ${name.slice(0, 64)}`);
      return found;
    }),
    readTemplate: serve(async (host, { template: name, version: asked, part }) => {
      const template = await store.get(name);
      if (template === undefined) throw refusal(status.NOT_FOUND, `there is no template ${name.slice(0, 100)}`);
      await requireDomain(host, template.domain);
      const { version, manifest } = resolveVersion(template, asked);
      const found = await store.part(manifest, part);
      if (found === undefined) throw refusal(status.NOT_FOUND, `${name}@${version} has no part ${part}`);
      const otherVersions = template.versions.map((known) => known.version).filter((known) => known !== version).reverse();
      return { ...found, version, manifest: Buffer.from(manifest, "hex"), domain: template.domain, otherVersions };
    }),
    reportCatalog: serve(async (host, report) => {
      await requireDomain(host, report.domain);
      await agents.record(host, report, Date.now());
      for (const { code, message } of report.findings.slice(0, shownFindings)) logger.warn({ host, domain: report.domain.slice(0, 256), code: code.slice(0, 64), reason: message.slice(0, 500) }, "an agent refused a catalog");
      return {};
    }),
    wantContent: serve(async (host, { template: name, version, path }) => {
      const template = await store.get(name);
      if (template === undefined) throw refusal(status.NOT_FOUND, `there is no template ${name.slice(0, 100)}`);
      await requireDomain(host, template.domain);
      return content.want(host, { template: name, version, path: Buffer.from(path) });
    }),
    readContent: serve(async (host, { relay: id, part }) => relay.read(host, id, part)),
    putContent: serve(async (host, { relay: id, part, bytes, last, mtimeNs }) => {
      if (bytes.length > largestFrame || part < 0) throw refusal(status.INVALID_ARGUMENT, `a part of ${bytes.length} bytes at ${part}`);
      return { room: await relay.put(host, id, part, { bytes: Buffer.from(bytes), last, mtimeNs }) };
    }),
    putUncovered: serve(async (host, { jobId, part, files }) => {
      if ((await orderedOperation(rollouts, host, jobId, "candidates")) === undefined) throw refusal(status.PERMISSION_DENIED, "no operator has asked this host for candidates by this job");
      await uncovered.put(host, part, files);
      return {};
    }),
  };
}
