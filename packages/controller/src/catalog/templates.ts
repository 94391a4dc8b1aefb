import { type CatalogLists, prefixesOf, readManifest, resolveVersion, type Template, unionOf, withRetired, withVersion } from "@samepage/catalog";
import { ControllerError } from "../api/controller-error.ts";
import type { TemplateTarget } from "../api/operation.ts";
import { orderedOperation } from "../rollout/ordered-operation.ts";
import type { RolloutStore } from "../rollout/rollout-store.ts";
import type { AuditLog } from "../stores/audit-log.ts";
import type { DomainCatalogs } from "./domain-catalogs.ts";
import type { TemplateStore } from "./template-store.ts";

/** What happens to templates: uploads that operators ordered, versions, retirement. */
export interface Templates {
  /** Checks that the job is this host's own order to publish. @throws ControllerError `forbidden` */
  ordered(host: string, job: string): Promise<TemplateTarget>;
  /** Ends an upload: verifies the manifest, keeps it, adds the version, publishes the domain's catalog. */
  end(host: string, job: string, manifest: string): Promise<void>;
  /** Retires a version: its manifest stays for comparison, its digests leave the catalog. */
  retire(name: string, version: string, actor: string): Promise<Template>;
}

export interface TemplatesDeps {
  readonly rollouts: RolloutStore;
  readonly store: TemplateStore;
  readonly catalogs: DomainCatalogs;
  readonly audit: AuditLog;
}

export function createTemplates({ rollouts, store, catalogs, audit }: TemplatesDeps): Templates {
  const ordered: Templates["ordered"] = async (host, job) => {
    const operation = await orderedOperation(rollouts, host, job, "publish-template");
    if (operation?.template === undefined) throw new ControllerError("forbidden", "no operator has ordered a template from this host by this job", { target: host });
    return operation.template;
  };
  return {
    ordered,
    end: async (host, job, manifest) => {
      const { name, version, path = "", domain = "" } = await ordered(host, job);
      const frames = await store.frames(job);
      // A call that comes again after its answer was lost: the upload has become the manifest.
      const bytes = frames.length > 0 ? Buffer.concat(frames) : await store.manifest(manifest);
      const content = readContent(bytes, manifest);
      await store.keep(job, manifest);
      await store.change(name, (template = { name, domain, versions: [], aliases: {} }) => {
        if (template.domain !== domain) throw new ControllerError("conflict", `${name} is a template of domain ${template.domain}`, { hint: "a template belongs to one domain", target: name });
        const added = { version, manifest, manifestBytes: bytes.length, entries: content.entries, bytes: content.bytes, source: { host, path }, publishedAt: Date.now(), retired: false };
        return withVersion(template, added);
      });
      await catalogs.publish(domain, (lists) => union(lists, content.lists));
      await audit.append({ actor: host, action: "template.publish", target: `${name}@${version}`, detail: { manifest, entries: content.entries, domain } });
    },
    retire: async (name, version, actor) => {
      const template = await store.change(name, (current) => {
        if (current === undefined) throw new ControllerError("not-found", `there is no template ${name}`, { hint: "samepage template ls", target: name });
        return withRetired(current, version);
      });
      const live = (await store.list()).filter(({ domain }) => domain === template.domain).flatMap(({ versions }) => versions.filter(({ retired }) => !retired));
      await catalogs.publish(template.domain, async () => {
        let lists: CatalogLists = { prefixes: prefixesOf([]), sizes: [] };
        for (const { manifest } of live) lists = union(lists, readContent(await store.manifest(manifest), manifest).lists);
        return lists;
      });
      await audit.append({ actor, action: "template.retire", target: `${name}@${resolveVersion(template, version).version}`, detail: {} });
      return template;
    },
  };
}

/** What a whole manifest brings into a catalog. Empty files share nothing. */
function readContent(bytes: Buffer, name: string): { readonly lists: CatalogLists; readonly entries: number; readonly bytes: number } {
  const digests: Buffer[] = [];
  const sizes = new Set<number>();
  let entries = 0;
  let total = 0;
  for (const { digest, size } of readManifest(bytes, name)) {
    entries++;
    if (digest === undefined || size === 0) continue;
    digests.push(digest);
    sizes.add(size);
    total += size;
  }
  return { lists: { prefixes: prefixesOf(digests), sizes: [...sizes].sort((a, b) => a - b) }, entries, bytes: total };
}

function union(a: CatalogLists, b: CatalogLists): CatalogLists {
  return { prefixes: unionOf(a.prefixes, b.prefixes), sizes: [...new Set([...a.sizes, ...b.sizes])].sort((x, y) => x - y) };
}
