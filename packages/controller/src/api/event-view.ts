import type { HostView } from "./host-view.ts";
import type { ProgressView, RolloutHostState, RolloutState } from "./rollout-view.ts";

/** One line of the push stream (`GET /v1/events`). `id` only grows; a client that reconnects names its last one. */
export type EventView = { readonly id: string; readonly at: string } & EventBody;

export type EventBody =
  | { readonly type: "rollout"; readonly rollout: string; readonly state: RolloutState; readonly reason: string; readonly wave: number }
  | {
      readonly type: "rollout-host";
      readonly rollout: string;
      readonly host: string;
      readonly state: RolloutHostState;
      readonly reason: string;
      readonly reclaimedBytes: number | null;
    }
  | { readonly type: "progress"; readonly rollout: string; readonly host: string; readonly progress: ProgressView }
  | { readonly type: "host"; readonly host: string; readonly state: HostView["state"]; readonly reason: string };
