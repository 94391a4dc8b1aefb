import type { CatalogView, TemplateVersionView, TemplateView } from "@samepage/controller/api";
import { Fact } from "../components/fact.tsx";
import { Notice } from "../components/notice.tsx";
import { StateBadge } from "../components/state-badge.tsx";
import { formatBytes, formatCount, formatTime } from "../data/format.ts";
import { routeTo } from "../data/route.ts";
import type { Session } from "../data/session.ts";
import { useResource } from "../data/use-resource.ts";

export function TemplatesPage({ session }: { readonly session: Session }) {
  const { value, problem } = useResource<{ templates: TemplateView[] }>(session.token, "/v1/templates");
  const { value: catalog } = useResource<{ domains: CatalogView[] }>(session.token, "/v1/catalog");
  const templates = value?.templates ?? [];
  return (
    <section>
      <h1>Templates</h1>
      {problem === "" ? null : <Notice kind="error" text={problem} />}
      {value !== null && templates.length === 0 ? <p class="dim">None yet. Publish one with samepage template add NAME@VERSION --host HOST --path ROOT.</p> : null}
      {(catalog?.domains ?? []).map((domain) => (
        <section key={domain.domain}>
          <h2>Catalog of domain {domain.domain}</h2>
          <dl class="facts">
            <Fact name="Templates" value={formatCount(domain.templates)} />
            <Fact name="Digests" value={formatCount(domain.digests)} />
            <Fact name="A new agent fetches" value={formatBytes(domain.wireBytes)} />
            <Fact name="Epoch" value={`${formatCount(domain.epoch)}, ${formatTime(domain.publishedAt)}`} />
          </dl>
        </section>
      ))}
      {templates.map((template) => (
        <section key={template.name}>
          <h2>
            {template.name} <span class="dim">in domain {template.domain}</span>
          </h2>
          <ul class="plain">
            {template.versions.toReversed().map((version) => (
              <Version key={version.version} version={version} aliases={Object.keys(template.aliases).filter((alias) => template.aliases[alias] === version.version)} />
            ))}
          </ul>
        </section>
      ))}
    </section>
  );
}

function Version({ version, aliases }: { readonly version: TemplateVersionView; readonly aliases: readonly string[] }) {
  return (
    <li>
      <strong>@{version.version}</strong> {aliases.map((alias) => <StateBadge key={alias} state={alias} />)} {version.retired ? <StateBadge state="retired" /> : null}{" "}
      <span class="dim">
        {formatCount(version.entries)} files, {formatBytes(version.bytes)}, published {formatTime(version.publishedAt)} from <a href={routeTo("hosts", version.source.host)}>{version.source.host}</a> <code>{version.source.path}</code>
      </span>
    </li>
  );
}
