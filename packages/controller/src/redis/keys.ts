/**
 * Every key in Redis. What one script touches has one hash tag (the part in braces), so that it lies in one slot of a
 * cluster: all rollouts with their locks, audit and events in one, all tokens in one, and each host in its own.
 */
export const keys = {
  /** Set of all hosts' names. */
  hosts: "samepage:{fleet}:hosts",
  /** Hash: host name → `<controller id>/<stream id>`: where its stream is. Counts only while that controller is alive. */
  online: "samepage:{fleet}:online",
  /** Hash: host name → when it was last heard of, epoch milliseconds. */
  seen: "samepage:{fleet}:seen",
  /** Hash: host name → its newest health sample. */
  health: "samepage:{fleet}:health",
  /** Hash: host name → how many guests it has, for the fleet's sum. */
  guestCounts: "samepage:{fleet}:guest-counts",
  /** Set of the hosts' names that are left out of new work. */
  cordoned: "samepage:{fleet}:cordoned",
  /** Hash: name → maintenance window. */
  windows: "samepage:{fleet}:windows",
  /** Hash: name → blackout. */
  blackouts: "samepage:{fleet}:blackouts",
  /** Set of the ids of controllers that may be alive. */
  controllers: "samepage:{fleet}:controllers",
  /** Hash: one host. */
  host: (name: string) => `samepage:{host:${name}}`,
  /** Hash: one token by the SHA-256 of its secret. */
  token: (hash: string) => `samepage:{tokens}:${hash}`,
  /** Hash: token id → hash of its secret. */
  tokenIds: "samepage:{tokens}:ids",
  /** String with a time to live: the controller is alive. */
  controller: (id: string) => `samepage:controller:${id}`,
  /** Publish/subscribe: messages for the streams of one controller. */
  mailbox: (id: string) => `samepage:mailbox:${id}`,
  /** Sorted set: rollout ids by time of creation. */
  rollouts: "samepage:{rollouts}:ids",
  /** Set: ids of the rollouts that are not over. */
  openRollouts: "samepage:{rollouts}:open",
  /** String: a rollout's frozen plan. */
  rolloutPlan: (id: string) => `samepage:{rollouts}:${id}:plan`,
  /** String: a rollout's state. */
  rolloutState: (id: string) => `samepage:{rollouts}:${id}:state`,
  /** List: what agents said and operators ordered since the last tick. */
  rolloutInbox: (id: string) => `samepage:{rollouts}:${id}:inbox`,
  /** String: the highest fence that any rollout has given out. */
  fence: "samepage:{rollouts}:fence",
  /** Hash: host index → its newest report. */
  rolloutReports: (id: string) => `samepage:{rollouts}:${id}:reports`,
  /** Hash: host name → the rollout that works on it. */
  hostLocks: "samepage:{rollouts}:locks",
  /** Hash: host name → its page cache saving and the job whose report said so. */
  savingsHosts: "samepage:{savings}:hosts",
  /** Hash: host name → bytes that KSM saves there, as of its newest KSM job. */
  savingsKsm: "samepage:{savings}:ksm",
  /** Hash: the fleet's savings now, bytes. */
  savingsTotals: "samepage:{savings}:totals",
  /** Sorted set: the fleet's savings by hour. */
  savingsHistory: "samepage:{savings}:history",
  /** Hash: template name → the template with its versions, JSON. */
  templates: "samepage:{catalog}:templates",
  /** List: a template manifest's frames, by its SHA-256. */
  templateManifest: (name: string) => `samepage:{catalog}:manifest:${name}`,
  /** List: frames of an upload that has not ended, by job. */
  upload: (job: string) => `samepage:{catalog}:upload:${job}`,
  /** Hash: a domain's catalog: epoch, signed manifest, layout. */
  catalog: (domain: string) => `samepage:{catalog}:domain:${domain}`,
  /** List: a segment's parts, by its SHA-256. */
  segment: (name: string) => `samepage:{catalog}:segment:${name}`,
  /** Hash: host and domain → how that domain's catalog stands there. */
  agentCatalogs: "samepage:{catalog}:agents",
  /** Hash: host/guest → its newest drift from the template. */
  drift: (template: string) => `samepage:{catalog}:drift:${template}`,
  /** Hash: part → files of one host that no template covers. */
  uncovered: (host: string) => `samepage:{uncovered:${host}}`,
  /** Hash: a file's content on its way from one host to another: who may send and read, and how far they are. */
  relay: (id: string) => `samepage:{relay:${id}}`,
  /** Hash: its parts that wait for the reader. */
  relayParts: (id: string) => `samepage:{relay:${id}}:parts`,
  /** Stream: who did what; append-only. */
  audit: "samepage:{rollouts}:audit",
  /** Stream: what the push stream shows; capped. */
  events: "samepage:{rollouts}:events",
} as const;

/** Prefix of BullMQ's keys. In braces: a queue lives in one slot. */
export const queuePrefix = "{samepage:queues}";
