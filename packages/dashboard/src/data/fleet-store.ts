import type { EventView, FleetSummaryView, HostView, RolloutSummary, RolloutView } from "@samepage/controller/api";
import { followEvents } from "./event-stream.ts";
import { applyEvents, emptyFleet, type FleetState, isNews } from "./fleet-state.ts";
import { readPages } from "./read-pages.ts";
import { requestJson } from "./request.ts";

/** Figures and lists are read again at most this often, however many events ask for it. */
const rereadMs = 1000;

/** Events are shown in batches this far apart: four a second read as live, and leave a slow machine its processor. */
const batchMs = 250;

/** A followed rollout is read whole this often besides: what it waits for is not in the events. */
const followMs = 5000;

const endStates: ReadonlySet<string> = new Set(["completed", "failed", "aborted"]);

export interface FleetStore {
  state(): FleetState;
  /** Calls back after a change, at most once a batch; returns the way to stop. */
  subscribe(onChange: () => void): () => void;
  refresh(): Promise<void>;
  /** Reads every host, page by page, and from then on keeps them current; once is enough. */
  listHosts(): void;
  /** Keeps one rollout's every host current in `state().followed`; returns the way to stop. */
  follow(rollout: string, onProblem: (error: unknown) => void): () => void;
  close(): void;
}

/** Reads the fleet's figures at once and lists when a view asks for them, and keeps them current by the push stream. */
export function createFleetStore(token: string, onError: (error: unknown) => void): FleetStore {
  const abort = new AbortController();
  const { signal } = abort;
  const listeners = new Set<() => void>();
  let state = emptyFleet;
  let queue: EventView[] = [];
  let batch: ReturnType<typeof setTimeout> | undefined;
  let reread: ReturnType<typeof setTimeout> | undefined;
  let listsWanted = false;
  let hostsWanted = false;
  let hostsRead: AbortController | undefined;

  const change = (next: Partial<FleetState>) => {
    state = { ...state, ...next };
    for (const listener of listeners) listener();
  };
  const flush = () => {
    batch = undefined;
    const events = queue;
    queue = [];
    listsWanted ||= events.some((event) => isNews(state, event));
    if (listsWanted || events.some(({ type }) => type === "host")) reread ??= setTimeout(() => void (listsWanted ? refresh() : readSummary()).catch(onError), rereadMs);
    change(applyEvents(state, events));
  };
  const schedule = () => {
    batch ??= setTimeout(() => requestAnimationFrame(flush), batchMs);
  };
  const readSummary = async () => {
    reread = undefined;
    change({ summary: await requestJson<FleetSummaryView>(token, "/v1/fleet", { signal }) });
  };
  const readHosts = async () => {
    hostsRead?.abort();
    const reading = new AbortController();
    hostsRead = reading;
    const found = new Map<string, HostView>();
    // Those that are there already stay in view while they are read again.
    const isFirst = !state.hostsComplete;
    for await (const page of readPages<HostView>(token, "/v1/hosts", "hosts", AbortSignal.any([signal, reading.signal]))) {
      for (const host of page) found.set(host.name, host);
      if (isFirst) change({ hosts: new Map(found) });
    }
    change({ hosts: found, hostsComplete: true });
  };
  const listHosts = () =>
    void readHosts().catch((error: unknown) => {
      if (!(error instanceof DOMException && error.name === "AbortError")) onError(error);
    });
  const refresh = async () => {
    listsWanted = false;
    if (hostsWanted) listHosts();
    const [, { rollouts }] = await Promise.all([readSummary(), requestJson<{ rollouts: RolloutSummary[] }>(token, "/v1/rollouts", { signal })]);
    change({ rollouts: new Map(rollouts.map((rollout) => [rollout.id, rollout])) });
  };

  followEvents(
    token,
    {
      onEvent: (event) => {
        queue.push(event);
        schedule();
      },
      onConnection: (now) => {
        // What happened while the stream was down may be older than the events the controller still keeps.
        if (now && !state.connected) void refresh().catch(onError);
        if (now !== state.connected) change({ connected: now });
      },
    },
    signal,
  ).catch(onError);

  return {
    state: () => state,
    subscribe: (onChange) => {
      listeners.add(onChange);
      return () => listeners.delete(onChange);
    },
    refresh,
    listHosts: () => {
      if (!hostsWanted) listHosts();
      hostsWanted = true;
    },
    follow: (id, onProblem) => {
      const stopped = new AbortController();
      const read = () =>
        void requestJson<RolloutView>(token, `/v1/rollouts/${encodeURIComponent(id)}`, { signal: stopped.signal }).then(
          (rollout) => change({ followed: rollout }),
          (error: unknown) => {
            if (!stopped.signal.aborted) onProblem(error);
          },
        );
      // One that has ended changes no more, unless it is retried.
      const isSettled = () => state.followed !== null && state.followed.finishedAt !== null && endStates.has(state.followed.state);
      read();
      const timer = setInterval(() => isSettled() || read(), followMs);
      return () => {
        clearInterval(timer);
        stopped.abort();
        state = { ...state, followed: null };
      };
    },
    close: () => {
      clearTimeout(reread);
      clearTimeout(batch);
      abort.abort();
    },
  };
}
