import type { CatalogCalls } from "./catalog-calls.ts";

/** A template version's manifest as the controller sent it; readManifest verifies it against its name. */
export interface FetchedTemplate {
  readonly version: string;
  readonly domain: string;
  /** SHA-256 in hex. */
  readonly name: string;
  readonly bytes: Buffer;
  /** The template's other versions, newest first. */
  readonly others: readonly string[];
}

/** @throws AgentError `catalog-refused` or `unreachable` */
export async function fetchTemplate({ template, version: asked }: { readonly template: string; readonly version: string }, calls: Pick<CatalogCalls, "readTemplate">): Promise<FetchedTemplate> {
  const first = await calls.readTemplate(template, asked, 0);
  const parts = [Buffer.from(first.bytes)];
  // By the version found first: an alias may move meanwhile.
  for (let part = 1; part < first.parts; part++) parts.push(Buffer.from((await calls.readTemplate(template, first.version, part)).bytes));
  return { version: first.version, domain: first.domain, name: Buffer.from(first.manifest).toString("hex"), bytes: Buffer.concat(parts), others: first.otherVersions };
}
