import type { FleetOpeningView } from "@samepage/controller/api";
import { calendarDays } from "../data/week-calendar.ts";
import { formatCount } from "../data/format.ts";

/** Two weeks: what fits a page, and holds the next opening of nearly every schedule. */
const days = 14;

const dayName = new Intl.DateTimeFormat("en-GB", { weekday: "short", day: "numeric", month: "short" });
const clock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });

/** The next two weeks' openings by the viewer's own clock; the window's own time is in the tooltip and in the table below it. */
export function WeekCalendar({ openings, now }: { readonly openings: readonly FleetOpeningView[]; readonly now: number }) {
  return (
    <ol class="calendar" aria-label="Openings of the next two weeks, in your time zone">
      {calendarDays(openings, now, days).map(({ start, openings: own }) => (
        <li key={start} class={own.length === 0 ? "empty" : ""}>
          <h3>{dayName.format(start)}</h3>
          <ul class="plain">
            {own.map((opening) => (
              <li key={`${opening.window} ${opening.opensAt} ${opening.inWindowZone.opens}`} class={isOpen(opening, now) ? "opening now" : "opening"} title={`${opening.inWindowZone.opens} to ${opening.inWindowZone.closes ?? "the end of time"}`}>
                <strong>
                  {clock.format(new Date(opening.opensAt))}–{opening.closesAt === null ? "" : clock.format(new Date(opening.closesAt))}
                </strong>{" "}
                {opening.window} <span class="dim">{formatCount(opening.hosts)} {opening.hosts === 1 ? "host" : "hosts"}</span>
              </li>
            ))}
          </ul>
        </li>
      ))}
    </ol>
  );
}

function isOpen({ opensAt, closesAt }: FleetOpeningView, now: number): boolean {
  return Date.parse(opensAt) <= now && (closesAt === null || Date.parse(closesAt) > now);
}
