import type { RolloutOutcomeView, RolloutSummary } from "@samepage/controller/api";
import { useEffect, useState } from "preact/hooks";
import { ConfirmButton } from "../components/confirm-button.tsx";
import { Fact } from "../components/fact.tsx";
import { Notice } from "../components/notice.tsx";
import { StateBadge } from "../components/state-badge.tsx";
import { WaveTable } from "../components/wave-table.tsx";
import type { FleetStore } from "../data/fleet-store.ts";
import { formatBytes, formatCount, formatTime } from "../data/format.ts";
import { requestJson } from "../data/request.ts";
import { mayAct, type Session } from "../data/session.ts";
import { useFleet } from "../data/use-fleet.ts";
import { useResource } from "../data/use-resource.ts";

type Verb = "pause" | "resume" | "abort" | "retry";

const questions: Readonly<Record<Verb, string>> = {
  pause: "Start no more hosts? Those that are running finish.",
  resume: "Go on with the waves?",
  abort: "Stop this rollout? Running hosts stop too; each leaves a consistent tree.",
  retry: "Run the failed and missed hosts again?",
};

export function RolloutPage({ store, session, id }: { readonly store: FleetStore; readonly session: Session; readonly id: string }) {
  const followed = useFleet(store, (state) => state.followed);
  const known = useFleet(store, (state) => state.rollouts);
  const whole = followed?.id === id ? followed : null;
  // On one line it is known already, while thousands of hosts are still being read.
  const rollout: RolloutSummary | null = whole ?? known.get(id) ?? null;
  const path = `/v1/rollouts/${encodeURIComponent(id)}`;
  const { value: outcome } = useResource<RolloutOutcomeView>(session.token, `${path}/outcome`, rollout?.state ?? "");
  const [problem, setProblem] = useState("");
  const [readProblem, setReadProblem] = useState("");
  useEffect(() => store.follow(id, (error) => setReadProblem(error instanceof Error ? error.message : String(error))), [store, id]);
  if (rollout === null) return <Notice kind={readProblem === "" ? "hint" : "error"} text={readProblem === "" ? "Reading…" : readProblem} />;
  const act = (verb: Verb) => async () => {
    try {
      await requestJson(session.token, `${path}/${verb}`, { method: "POST" });
      await store.refresh();
    } catch (error) {
      setProblem(error instanceof Error ? error.message : String(error));
    }
  };
  const predicted = outcome?.predictedBytes ?? null;
  const hosts = Object.values(rollout.hosts).reduce((sum, count) => sum + count, 0);
  const ended = rollout.hosts.succeeded + rollout.hosts.failed + rollout.hosts.stopped + rollout.hosts.skipped;
  return (
    <section>
      <div class="bar">
        <h1>{rollout.name}</h1>
        <StateBadge state={rollout.state} />
        {mayAct(session) ? verbsFor(rollout).map((verb) => <ConfirmButton key={verb} label={capital(verb)} question={questions[verb]} danger={verb === "abort"} onConfirm={act(verb)} />) : null}
      </div>
      {problem === "" ? null : <Notice kind="error" text={problem} onClose={() => setProblem("")} />}
      {rollout.reason === "" ? null : <p>{rollout.reason}</p>}
      {whole === null || whole.explanations.length === 0 ? null : (
        <ul class="plain" aria-label="Why it stands where it stands">
          {whole.explanations.map((explanation) => (
            <li key={explanation}>{explanation}</li>
          ))}
        </ul>
      )}
      {whole?.notices.map((notice) => (
        <Notice key={notice} kind="hint" text={notice} />
      ))}
      <p>
        <progress max={Math.max(hosts, 1)} value={ended} aria-label="Hosts that have ended" /> {formatCount(ended)} of {formatCount(hosts)} hosts, wave {rollout.wave + 1} of {rollout.waveCount}
      </p>
      <dl class="facts">
        <Fact name="Freed on disk" value={formatBytes(rollout.reclaimedBytes)} />
        <Fact name="Predicted" value={predicted === null ? "no dry run" : formatBytes(predicted)} />
        <Fact name="Page cache saved" value={outcome === null ? "—" : formatBytes(outcome.pageCacheSavedBytes)} />
        <Fact name="Operation" value={rollout.operation.kind} />
        <Fact name="Hosts" value={rollout.selector} />
        <Fact name="Started" value={`${formatTime(rollout.createdAt)} by ${rollout.createdBy}`} />
        <Fact name="Ended" value={formatTime(rollout.finishedAt)} />
      </dl>
      {(outcome?.failures.length ?? 0) === 0 ? null : (
        <>
          <h2>Failures by cause</h2>
          <ul class="plain">
            {outcome?.failures.map(({ cause, hosts: failed }) => (
              <li key={cause}>
                <strong>{formatCount(failed.length)}</strong> {failed.length === 1 ? "host" : "hosts"}: {cause}
              </li>
            ))}
          </ul>
        </>
      )}
      {whole === null ? <p class="dim">Reading its hosts…</p> : null}
      {whole?.waves.map((wave, index) => (
        <WaveTable key={wave.name} wave={wave} current={index === rollout.wave} isDryRun={rollout.operation.kind === "plan"} />
      ))}
    </section>
  );
}

/** What the state allows; the controller decides in the end. */
function verbsFor(rollout: RolloutSummary): readonly Verb[] {
  switch (rollout.state) {
    case "created":
    case "running":
    case "soaking":
      return ["pause", "abort"];
    case "paused":
      return ["resume", "abort"];
    case "aborting":
      return [];
    case "aborted":
    case "completed":
    case "failed":
      return rollout.hosts.failed + rollout.hosts.skipped + rollout.hosts.stopped > 0 ? ["retry"] : [];
  }
}

function capital(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1);
}
