import type { BlackoutView, CalendarView, FleetOpeningsView, FleetOpeningView, WindowView } from "@samepage/controller/api";
import { Notice } from "../components/notice.tsx";
import { type Column, VirtualTable } from "../components/virtual-table.tsx";
import { WeekCalendar } from "../components/week-calendar.tsx";
import { formatCount, formatSpan } from "../data/format.ts";
import type { Session } from "../data/session.ts";
import { useResource } from "../data/use-resource.ts";

const nextColumns: readonly Column<FleetOpeningView>[] = [
  { title: "Window", width: "minmax(7rem, 2fr)", cell: (opening) => opening.window },
  { title: "Opens", width: "minmax(11rem, 3fr)", cell: (opening) => opening.inWindowZone.opens },
  { title: "Closes", width: "minmax(11rem, 3fr)", minor: true, cell: (opening) => opening.inWindowZone.closes ?? "never" },
  { title: "Hosts", width: "5rem", align: "end", cell: (opening) => formatCount(opening.hosts) },
];

const windowColumns: readonly Column<WindowView>[] = [
  { title: "Window", width: "minmax(7rem, 2fr)", cell: ({ name }) => name },
  { title: "Hosts", width: "minmax(6rem, 2fr)", cell: ({ selector }) => <code>{selector}</code> },
  { title: "Opens", width: "minmax(9rem, 3fr)", cell: ({ schedule }) => <code>{schedule}</code> },
  { title: "Zone", width: "minmax(7rem, 2fr)", minor: true, cell: ({ zone }) => zone },
  { title: "For", width: "6rem", minor: true, cell: ({ durationSeconds }) => formatSpan(durationSeconds) },
];

const blackoutColumns: readonly Column<BlackoutView>[] = [
  { title: "Blackout", width: "minmax(7rem, 2fr)", cell: ({ name }) => name },
  { title: "Hosts", width: "minmax(6rem, 2fr)", cell: ({ selector }) => <code>{selector}</code> },
  { title: "When", width: "minmax(11rem, 3fr)", cell: (blackout) => <code>{"schedule" in blackout ? `${blackout.schedule} for ${formatSpan(blackout.durationSeconds)}` : `${blackout.from} to ${blackout.to}`}</code> },
  { title: "Zone", width: "minmax(7rem, 2fr)", minor: true, cell: ({ zone }) => zone },
];

/** Tables of this page are as tall as their rows, up to this many. */
const tallRows = 10;

export function WindowsPage({ session }: { readonly session: Session }) {
  const { value: calendar, problem } = useResource<CalendarView>(session.token, "/v1/windows");
  const { value: fleet, problem: openingsProblem } = useResource<FleetOpeningsView>(session.token, "/v1/openings?days=14");
  const openings = fleet?.openings ?? [];
  return (
    <section>
      <h1>Windows</h1>
      {[problem, openingsProblem].filter((text) => text !== "").map((text) => (
        <Notice key={text} kind="error" text={text} />
      ))}
      {fleet === null ? null : (
        <p>
          {openings.length === 0 ? "No window opens in the next two weeks. " : ""}
          {fleet.unrestrictedHosts === 0 ? "Every host has a window." : `${formatCount(fleet.unrestrictedHosts)} ${fleet.unrestrictedHosts === 1 ? "host has" : "hosts have"} no window: open at any time, but for blackouts.`}
        </p>
      )}
      {openings.length === 0 ? null : (
        <>
          <WeekCalendar openings={openings} now={Date.now()} />
          <h2>Next openings, in the window’s zone</h2>
          <Table label="Next openings" rows={openings} columns={nextColumns} keyOf={(opening) => `${opening.window} ${opening.opensAt} ${opening.inWindowZone.opens}`} />
        </>
      )}
      <h2>Windows as defined</h2>
      {calendar?.windows.length === 0 ? <p class="dim">None. Make one with samepage window apply.</p> : <Table label="Windows" rows={calendar?.windows ?? []} columns={windowColumns} keyOf={({ name }) => name} />}
      <h2>Blackouts</h2>
      {calendar?.blackouts.length === 0 ? <p class="dim">None.</p> : <Table label="Blackouts" rows={calendar?.blackouts ?? []} columns={blackoutColumns} keyOf={({ name }) => name} />}
    </section>
  );
}

function Table<T>(table: { readonly label: string; readonly rows: readonly T[]; readonly columns: readonly Column<T>[]; readonly keyOf: (row: T) => string }) {
  return (
    <div class="tall" style={{ "--rows": Math.min(Math.max(table.rows.length, 1), tallRows) }}>
      <VirtualTable {...table} />
    </div>
  );
}
