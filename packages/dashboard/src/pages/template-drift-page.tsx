import type { GuestDriftView } from "@samepage/controller/api";
import { useMemo, useState } from "preact/hooks";
import { Notice } from "../components/notice.tsx";
import { type Column, VirtualTable } from "../components/virtual-table.tsx";
import { formatBytes, formatCount, formatTime } from "../data/format.ts";
import { routeTo } from "../data/route.ts";
import type { Session } from "../data/session.ts";
import { useResource } from "../data/use-resource.ts";
import { summary } from "./drift-page.tsx";

const columns: readonly Column<GuestDriftView>[] = [
  { title: "Guest", width: "minmax(8rem, 2fr)", cell: (drift) => drift.guest },
  { title: "Host", width: "minmax(7rem, 1fr)", cell: (drift) => <a href={routeTo("hosts", drift.host)}>{drift.host}</a> },
  { title: "Differences", width: "minmax(8rem, 3fr)", cell: (drift) => summary(drift.counts) },
  { title: "Not shared", width: "7rem", align: "end", minor: true, cell: (drift) => formatBytes(drift.bytes) },
  { title: "Version", width: "5rem", minor: true, cell: (drift) => `@${drift.version}` },
  { title: "For example", width: "minmax(8rem, 3fr)", minor: true, cell: (drift) => drift.items.slice(0, 3).map(({ kind, path }) => `${kind} /${path}`).join(", ") },
  { title: "Compared", width: "12rem", minor: true, cell: (drift) => formatTime(drift.comparedAt) },
];

/** Where each guest differs from one template, those with most that cannot be shared first. */
export function TemplateDriftPage({ session, template }: { readonly session: Session; readonly template: string }) {
  const { value, problem } = useResource<{ guests: GuestDriftView[] }>(session.token, `/v1/drift/${encodeURIComponent(template)}`);
  const [search, setSearch] = useState("");
  const sorted = useMemo(() => (value?.guests ?? []).toSorted((left, right) => right.bytes - left.bytes), [value]);
  const rows = useMemo(() => sorted.filter((drift) => `${drift.host} ${drift.guest}`.toLowerCase().includes(search.toLowerCase())), [sorted, search]);
  return (
    <section class="fill">
      <div class="bar">
        <h1>Drift from {template}</h1>
        <input type="search" aria-label="Search guests" placeholder="host, guest" value={search} onInput={(event) => setSearch(event.currentTarget.value)} />
        <span class="dim" role="status">
          {formatCount(rows.length)} of {formatCount(sorted.length)}
        </span>
      </div>
      {problem === "" ? null : <Notice kind="error" text={problem} />}
      <VirtualTable label={`Drift from ${template}`} rows={rows} columns={columns} keyOf={(drift) => `${drift.host}\n${drift.guest}`} />
    </section>
  );
}
