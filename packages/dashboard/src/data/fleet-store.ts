import type { EventView, HostView, RolloutSummary, RolloutView } from "@samepage/controller/api";
import { applyEvents, emptyFleet, type FleetState, isNews } from "./fleet-state.ts";
import { followEvents } from "./event-stream.ts";
import { requestJson } from "./request.ts";

/** Lists are read again at most this often, however many unknown names the events bring. */
const rereadMs = 1000;

/** A followed rollout is read whole this often besides: what it waits for is not in the events. */
const followMs = 5000;

const endStates: ReadonlySet<string> = new Set(["completed", "failed", "aborted"]);

export interface FleetStore {
  state(): FleetState;
  connected(): boolean;
  /** Calls back after a change, at most once a frame; returns the way to stop. */
  subscribe(onChange: () => void): () => void;
  refresh(): Promise<void>;
  /** Keeps one rollout's every host current in `state().followed`; returns the way to stop. */
  follow(rollout: string, onProblem: (error: unknown) => void): () => void;
  close(): void;
}

/** Reads the fleet once and keeps it current by the push stream. */
export function createFleetStore(token: string, onError: (error: unknown) => void): FleetStore {
  const abort = new AbortController();
  const listeners = new Set<() => void>();
  let state = emptyFleet;
  let connected = false;
  let queue: EventView[] = [];
  let scheduled = false;
  let reread: ReturnType<typeof setTimeout> | undefined;

  const notify = () => {
    for (const listener of listeners) listener();
  };
  const flush = () => {
    scheduled = false;
    const events = queue;
    queue = [];
    if (events.some((event) => isNews(state, event))) reread ??= setTimeout(() => void refresh().catch(onError), rereadMs);
    state = applyEvents(state, events);
    notify();
  };
  const schedule = () => {
    if (scheduled) return;
    scheduled = true;
    requestAnimationFrame(flush);
  };
  const refresh = async () => {
    reread = undefined;
    const { signal } = abort;
    const [{ hosts }, { rollouts }] = await Promise.all([
      requestJson<{ hosts: HostView[] }>(token, "/v1/hosts", { signal }),
      requestJson<{ rollouts: RolloutSummary[] }>(token, "/v1/rollouts", { signal }),
    ]);
    state = { ...state, hosts: new Map(hosts.map((host) => [host.name, host])), rollouts: new Map(rollouts.map((rollout) => [rollout.id, rollout])) };
    notify();
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
        if (now && !connected) void refresh().catch(onError);
        connected = now;
        schedule();
      },
    },
    abort.signal,
  ).catch(onError);

  return {
    state: () => state,
    connected: () => connected,
    subscribe: (onChange) => {
      listeners.add(onChange);
      return () => listeners.delete(onChange);
    },
    refresh,
    follow: (id, onProblem) => {
      const stopped = new AbortController();
      const { signal } = stopped;
      const read = () =>
        void requestJson<RolloutView>(token, `/v1/rollouts/${encodeURIComponent(id)}`, { signal }).then(
          (rollout) => {
            state = { ...state, followed: rollout };
            notify();
          },
          (error: unknown) => {
            if (!signal.aborted) onProblem(error);
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
      abort.abort();
    },
  };
}
