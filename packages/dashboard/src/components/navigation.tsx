import { routeTo } from "../data/route.ts";
import type { Session } from "../data/session.ts";

const sections = [
  ["overview", "Overview"],
  ["hosts", "Hosts"],
  ["guests", "Guests"],
  ["rollouts", "Rollouts"],
  ["windows", "Windows"],
  ["templates", "Templates"],
  ["drift", "Drift"],
  ["audit", "Audit"],
] as const;

export function Navigation({ current, session, connected, onLogout }: { readonly current: string; readonly session: Session; readonly connected: boolean; readonly onLogout: () => void }) {
  return (
    <header>
      <a class="brand" href={routeTo("overview")}>
        Samepage
      </a>
      <nav aria-label="Sections">
        {sections.map(([section, label]) => (
          <a key={section} href={routeTo(section)} aria-current={section === current ? "page" : undefined}>
            {label}
          </a>
        ))}
      </nav>
      <span class="who">
        <span class={connected ? "live on" : "live"} role="status">
          {connected ? "live" : "connecting…"}
        </span>
        <span>
          {session.name} ({session.role})
        </span>
        <button type="button" onClick={onLogout}>
          Log out
        </button>
      </span>
    </header>
  );
}
