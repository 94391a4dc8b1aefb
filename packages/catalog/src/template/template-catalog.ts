import { CatalogError } from "../catalog-error.ts";

/** One published version of a template. */
export interface TemplateVersion {
  version: string;
  /** The manifest's name: SHA-256 in hex. */
  manifest: string;
  /** Bytes of the manifest. */
  manifestBytes: number;
  entries: number;
  /** Bytes of the files. */
  bytes: number;
  /** Host and path it was published from. */
  source: { host: string; path: string };
  /** Epoch milliseconds. */
  publishedAt: number;
  /** Retired versions keep their manifest, for drift; their digests leave the catalog. */
  retired: boolean;
}

/** A template with all its versions. Belongs to one domain: no other can see it. */
export interface Template {
  name: string;
  domain: string;
  /** Oldest first. */
  versions: readonly TemplateVersion[];
  /** Alias → version, e.g. `stable` → `3`. `latest` always exists and follows publication. */
  aliases: Readonly<Record<string, string>>;
  /** Shell-style patterns over the names of guests that are made from it. */
  guests?: readonly string[];
}

const namePattern = /^[a-z0-9][a-z0-9._+-]{0,63}$/i;
const latest = "latest";

/**
 * Takes NAME@VERSION apart; without a version it means `latest`.
 * @throws CatalogError `template-name`
 */
export function parseTemplateName(text: string): { name: string; version: string } {
  const [name = "", version = latest, ...rest] = text.split("@");
  if (rest.length > 0 || !namePattern.test(name) || !namePattern.test(version)) {
    throw new CatalogError("template-name", `${JSON.stringify(text)} is not NAME@VERSION`, { hint: "letters, digits, dot, plus, minus and underscore, e.g. debian-12@3" });
  }
  return { name, version };
}

/**
 * A template with one more version. Publishing the same content again under the same version changes nothing.
 * @throws CatalogError `template-exists` when the version has other content
 */
export function withVersion(template: Template, added: TemplateVersion): Template {
  if (added.version === latest) throw new CatalogError("template-name", `${latest} is an alias; name the version`, { hint: `e.g. ${template.name}@1` });
  const existing = template.versions.find(({ version }) => version === added.version);
  if (existing !== undefined && existing.manifest !== added.manifest) {
    throw new CatalogError("template-exists", `${template.name}@${added.version} was published with other content`, { hint: "publish it as a new version; a version never changes" });
  }
  if (existing?.retired === true) throw new CatalogError("template-exists", `${template.name}@${added.version} was retired`, { hint: "publish it as a new version" });
  if (existing !== undefined) return template;
  return { ...template, versions: [...template.versions, added], aliases: { ...template.aliases, [latest]: added.version } };
}

/** A template with an alias set to an existing version. @throws CatalogError `template-name` or `template-unknown` */
export function withAlias(template: Template, alias: string, version: string): Template {
  if (!namePattern.test(alias) || alias === latest || template.versions.some((known) => known.version === alias)) {
    throw new CatalogError("template-name", `${JSON.stringify(alias)} cannot be an alias of ${template.name}`, { hint: "an alias is neither latest nor a version" });
  }
  return { ...template, aliases: { ...template.aliases, [alias]: resolveVersion(template, version).version } };
}

/** A template with a version retired: still there for drift, no longer in the catalog. @throws CatalogError `template-unknown` */
export function withRetired(template: Template, version: string): Template {
  const target = resolveVersion(template, version);
  return { ...template, versions: template.versions.map((known) => (known === target ? { ...known, retired: true } : known)) };
}

/** A template assigned to the guests with such names, and to no others. */
export function withGuests(template: Template, patterns: readonly string[]): Template {
  return { ...template, guests: [...new Set(patterns)] };
}

/** The version an operator names, by itself or by an alias. @throws CatalogError `template-unknown` */
export function resolveVersion(template: Template, nameOrAlias: string): TemplateVersion {
  const name = Object.hasOwn(template.aliases, nameOrAlias) ? template.aliases[nameOrAlias] : nameOrAlias;
  const found = template.versions.find(({ version }) => version === name);
  if (found === undefined) {
    const known = template.versions.map(({ version }) => version).join(", ");
    throw new CatalogError("template-unknown", `${template.name} has no version ${nameOrAlias}`, { hint: known === "" ? "nothing was published yet" : `there are ${known}` });
  }
  return found;
}
