import type { GuestView, HostView, OpeningView } from "@samepage/controller/api";
import { useState } from "preact/hooks";
import { ConfirmButton } from "../components/confirm-button.tsx";
import { Fact } from "../components/fact.tsx";
import { Notice } from "../components/notice.tsx";
import { StateBadge } from "../components/state-badge.tsx";
import type { FleetStore } from "../data/fleet-store.ts";
import { formatBytes, formatTime } from "../data/format.ts";
import { requestJson } from "../data/request.ts";
import { mayAct, type Session } from "../data/session.ts";
import { useFleet } from "../data/use-fleet.ts";
import { useResource } from "../data/use-resource.ts";

export function HostPage({ store, session, name }: { readonly store: FleetStore; readonly session: Session; readonly name: string }) {
  const heard = useFleet(store, (state) => state.heard.get(name));
  const [changes, setChanges] = useState(0);
  const [problem, setProblem] = useState("");
  const path = `/v1/hosts/${encodeURIComponent(name)}`;
  const { value: host, problem: hostProblem } = useResource<HostView>(session.token, path, `${heard} ${changes}`);
  const { value: guests } = useResource<{ guests: GuestView[] }>(session.token, `/v1/guests?host=${encodeURIComponent(name)}`);
  const { value: calendar } = useResource<{ openings: OpeningView[] }>(session.token, `${path}/openings`);
  if (host === null) return <Notice kind={hostProblem === "" ? "hint" : "error"} text={hostProblem === "" ? "Reading…" : hostProblem} />;
  const cordon = async () => {
    try {
      await requestJson(session.token, path, { method: "PATCH", body: { cordoned: !host.cordoned } });
      setChanges((count) => count + 1);
      await store.refresh();
    } catch (error) {
      setProblem(error instanceof Error ? error.message : String(error));
    }
  };
  return (
    <section>
      <div class="bar">
        <h1>{host.name}</h1>
        <StateBadge state={host.state} />
        {host.cordoned ? <StateBadge state="cordoned" /> : null}
        {mayAct(session) ? (
          <ConfirmButton
            label={host.cordoned ? "Uncordon" : "Cordon"}
            question={host.cordoned ? `Let ${host.name} take part in new work again?` : `Leave ${host.name} out of new work? What runs on it now goes on.`}
            onConfirm={cordon}
          />
        ) : null}
      </div>
      {problem === "" ? null : <Notice kind="error" text={problem} />}
      <dl class="facts">
        <Fact name="Enrolled" value={formatTime(host.enrolledAt)} />
        <Fact name="Last seen" value={host.state === "online" ? "now" : formatTime(host.lastSeenAt)} />
        <Fact name="Certificate ends" value={formatTime(host.certificateExpiresAt)} />
        <Fact name="Clock" value={host.clockOffsetMs === null ? "—" : `${(host.clockOffsetMs / 1000).toFixed(1)} s off`} />
        <Fact name="Agent" value={host.facts?.agentVersion ?? "—"} />
        <Fact name="Kernel" value={host.facts?.kernel ?? "—"} />
        <Fact name="System" value={host.facts === null ? "—" : `${host.facts.operatingSystem}, ${host.facts.architecture}`} />
        <Fact name="Size" value={host.facts === null ? "—" : `${host.facts.cpus} CPUs, ${formatBytes(host.facts.memoryBytes)}`} />
        <Fact name="Zone" value={host.facts?.timeZone ?? "—"} />
        <Fact name="Can do" value={host.facts?.capabilities.join(", ") ?? "—"} />
        <Fact name="Labels" value={Object.entries(host.labels).map(([key, value]) => `${key}=${value}`).join(", ") || "none"} />
      </dl>
      <h2>Guests</h2>
      <ul class="plain">
        {(guests?.guests ?? []).map((guest) => (
          <li key={guest.name}>
            <StateBadge state={guest.state} /> {guest.name} <span class="dim">in domain {guest.domain}, {guest.path}</span>
          </li>
        ))}
      </ul>
      <h2>May be worked on</h2>
      <ul class="plain">
        {(calendar?.openings ?? []).map((opening) => (
          <li key={`${opening.window} ${opening.opensAt}`}>
            {opening.opensAt === null ? "at any time" : opening.inHostZone.opens}
            {opening.closesAt === null ? "" : ` to ${opening.inHostZone.closes}`} <span class="dim">{opening.window === "" ? "no window is for this host" : `by window ${opening.window}, ${opening.inWindowZone.opens} there`}</span>
          </li>
        ))}
      </ul>
      {calendar?.openings.length === 0 ? <p class="dim">Never: its windows do not open within ten years, or blackouts cover them.</p> : null}
    </section>
  );
}
