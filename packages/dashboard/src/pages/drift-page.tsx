import type { DriftCounts, FleetDriftView } from "@samepage/controller/api";
import { Fact } from "../components/fact.tsx";
import { Notice } from "../components/notice.tsx";
import { formatBytes, formatCount, formatTime } from "../data/format.ts";
import { routeTo } from "../data/route.ts";
import type { Session } from "../data/session.ts";
import { useResource } from "../data/use-resource.ts";

/** What the newest comparison of each guest says, summed up by template; each template's guests are a page of their own. */
export function DriftPage({ session }: { readonly session: Session }) {
  const { value, problem } = useResource<{ templates: FleetDriftView[] }>(session.token, "/v1/drift");
  return (
    <section>
      <h1>Drift</h1>
      {problem === "" ? null : <Notice kind="error" text={problem} />}
      {value?.templates.length === 0 ? <p class="dim">No guest has been compared with a template yet. Compare with samepage drift --template NAME.</p> : null}
      {(value?.templates ?? []).map((drift) => (
        <TemplateDrift key={drift.template} drift={drift} />
      ))}
    </section>
  );
}

function TemplateDrift({ drift }: { readonly drift: FleetDriftView }) {
  return (
    <section>
      <h2>
        <a href={routeTo("drift", drift.template)}>{drift.template}</a> <span class="dim">in domain {drift.domain}</span>
      </h2>
      <dl class="facts">
        <Fact name="Guests compared" value={formatCount(drift.guests)} />
        <Fact name="As the template" value={formatCount(drift.clean)} />
        <Fact name="Differences" value={summary(drift.counts)} />
        <Fact name="Cannot be shared any more" value={formatBytes(drift.bytes)} />
        <Fact name="Of it prelinked variants" value={formatBytes(drift.prelinkedBytes)} />
        <Fact name="Compared" value={drift.oldestAt === drift.newestAt ? formatTime(drift.newestAt) : `${formatTime(drift.oldestAt)} to ${formatTime(drift.newestAt)}`} />
      </dl>
      {drift.prelinkCron === 0 ? null : <Notice kind="hint" text={`prelink runs every night in ${guests(drift.prelinkCron)}: it undoes what is shared.`} />}
      <List title="Behind" items={drift.behind.map((item) => `${guests(item.guests)} still on ${item.package} from @${item.version}`)} />
      <List title="In most guests" items={drift.common.map((item) => `${guests(item.guests)}: ${item.kind} /${item.path}`)} />
    </section>
  );
}

function List({ title, items }: { readonly title: string; readonly items: readonly string[] }) {
  if (items.length === 0) return null;
  return (
    <>
      <h3>{title}</h3>
      <ul class="plain">
        {items.map((item) => (
          <li key={item}>{item}</li>
        ))}
      </ul>
    </>
  );
}

function guests(count: number): string {
  return `${formatCount(count)} ${count === 1 ? "guest" : "guests"}`;
}

const kinds = ["modified", "missing", "extra", "permissions", "prelinked", "conffile"] as const;

/** "3 modified, 1 missing"; kinds without any are left out. */
export function summary(counts: DriftCounts): string {
  const found = kinds.flatMap((kind) => (counts[kind] === 0 ? [] : [`${formatCount(counts[kind])} ${kind}`]));
  return found.length === 0 ? "none" : found.join(", ");
}
