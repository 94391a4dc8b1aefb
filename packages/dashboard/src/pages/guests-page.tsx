import type { GuestView } from "@samepage/controller/api";
import { useMemo, useState } from "preact/hooks";
import { Notice } from "../components/notice.tsx";
import { StateBadge } from "../components/state-badge.tsx";
import { type Column, VirtualTable } from "../components/virtual-table.tsx";
import { formatCount } from "../data/format.ts";
import { routeTo } from "../data/route.ts";
import type { Session } from "../data/session.ts";
import { usePages } from "../data/use-pages.ts";

const columns: readonly Column<GuestView>[] = [
  { title: "Guest", width: "minmax(8rem, 2fr)", cell: (guest) => guest.name },
  { title: "Host", width: "minmax(8rem, 2fr)", cell: (guest) => <a href={routeTo("hosts", guest.host)}>{guest.host}</a> },
  { title: "State", width: "7rem", cell: (guest) => <StateBadge state={guest.state} /> },
  { title: "Domain", width: "8rem", minor: true, cell: (guest) => guest.domain },
  { title: "Kind", width: "8rem", minor: true, cell: (guest) => guest.provider },
  { title: "Root", width: "minmax(8rem, 3fr)", minor: true, cell: (guest) => <code>{guest.path}</code> },
];

export function GuestsPage({ session }: { readonly session: Session }) {
  const { items: guests, complete, problem } = usePages<GuestView>(session.token, "/v1/guests", "guests");
  const [search, setSearch] = useState("");
  const rows = useMemo(() => guests.filter((guest) => fits(guest, search)), [guests, search]);
  return (
    <section class="fill">
      <div class="bar">
        <h1>Guests</h1>
        <input type="search" aria-label="Search guests" placeholder="guest, host, domain, state" value={search} onInput={(event) => setSearch(event.currentTarget.value)} />
        <span class="dim" role="status">
          {formatCount(rows.length)} of {formatCount(guests.length)}
          {complete ? "" : ", reading…"}
        </span>
      </div>
      {problem === "" ? null : <Notice kind="error" text={problem} />}
      <VirtualTable label="Guests" rows={rows} columns={columns} keyOf={(guest) => `${guest.host}\n${guest.name}`} />
    </section>
  );
}

function fits(guest: GuestView, search: string): boolean {
  if (search === "") return true;
  const text = `${guest.name} ${guest.host} ${guest.domain} ${guest.state} ${guest.provider}`.toLowerCase();
  return search
    .toLowerCase()
    .split(/\s+/)
    .every((word) => text.includes(word));
}
