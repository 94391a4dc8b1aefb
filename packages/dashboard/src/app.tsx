import { useEffect, useMemo, useState } from "preact/hooks";
import { Navigation } from "./components/navigation.tsx";
import { Notice } from "./components/notice.tsx";
import { createFleetStore, type FleetStore } from "./data/fleet-store.ts";
import { RequestError } from "./data/request.ts";
import { type Session, storedSession, storeSession } from "./data/session.ts";
import { useRoute } from "./data/use-route.ts";
import { useFleet } from "./data/use-fleet.ts";
import { AuditPage } from "./pages/audit-page.tsx";
import { DriftPage } from "./pages/drift-page.tsx";
import { GuestsPage } from "./pages/guests-page.tsx";
import { HostPage } from "./pages/host-page.tsx";
import { HostsPage } from "./pages/hosts-page.tsx";
import { LoginPage } from "./pages/login-page.tsx";
import { OverviewPage } from "./pages/overview-page.tsx";
import { RolloutPage } from "./pages/rollout-page.tsx";
import { RolloutsPage } from "./pages/rollouts-page.tsx";
import { TemplateDriftPage } from "./pages/template-drift-page.tsx";
import { TemplatesPage } from "./pages/templates-page.tsx";
import { WindowsPage } from "./pages/windows-page.tsx";

export function App() {
  const [session, setSession] = useState(storedSession);
  const change = (next: Session | null) => {
    storeSession(next);
    setSession(next);
  };
  if (session === null) return <LoginPage onLogin={change} />;
  return <Signed session={session} onLogout={() => change(null)} key={session.token} />;
}

function Signed({ session, onLogout }: { readonly session: Session; readonly onLogout: () => void }) {
  const [problem, setProblem] = useState("");
  const store = useMemo(
    () =>
      createFleetStore(session.token, (error) => {
        if (error instanceof RequestError && error.status === 401) onLogout();
        else if (!(error instanceof DOMException && error.name === "AbortError")) setProblem(error instanceof Error ? error.message : String(error));
      }),
    [session.token],
  );
  useEffect(() => () => store.close(), [store]);
  const route = useRoute();
  const connected = useFleet(store, (state) => state.connected);
  return (
    <>
      <a class="skip" href="#main" onClick={(event) => { event.preventDefault(); document.querySelector<HTMLElement>("#main")?.focus(); }}>
        Skip to content
      </a>
      <Navigation current={route[0] ?? "overview"} session={session} connected={connected} onLogout={onLogout} />
      <main id="main" tabIndex={-1}>
        {problem === "" ? null : <Notice kind="error" text={problem} onClose={() => setProblem("")} />}
        <Page route={route} store={store} session={session} />
      </main>
    </>
  );
}

function Page({ route, store, session }: { readonly route: readonly string[]; readonly store: FleetStore; readonly session: Session }) {
  const [section = "overview", name] = route;
  switch (section) {
    case "overview":
      return <OverviewPage store={store} session={session} />;
    case "hosts":
      return name === undefined ? <HostsPage store={store} /> : <HostPage store={store} session={session} name={name} />;
    case "guests":
      return <GuestsPage session={session} />;
    case "rollouts":
      return name === undefined ? <RolloutsPage store={store} /> : <RolloutPage store={store} session={session} id={name} />;
    case "windows":
      return <WindowsPage session={session} />;
    case "templates":
      return <TemplatesPage session={session} />;
    case "drift":
      return name === undefined ? <DriftPage session={session} /> : <TemplateDriftPage session={session} template={name} />;
    case "audit":
      return <AuditPage session={session} />;
    default:
      return <Notice kind="error" text={`There is no page “${section}”.`} />;
  }
}
