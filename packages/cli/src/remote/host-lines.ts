import type { GuestView, HostView } from "@samepage/controller/api";
import { formatBytes } from "../terminal/format.ts";
import { table } from "../terminal/table.ts";
import type { Terminal } from "../terminal/terminal.ts";

/** Hosts as a table. */
export function hostLines(hosts: readonly HostView[], terminal: Terminal): string[] {
  if (hosts.length === 0) return ["no hosts; let one join with: samepage token create"];
  return table(
    hosts,
    [
      { title: "HOST", cell: ({ name }) => name, shrinks: true },
      { title: "STATE", cell: stateOf, tone: ({ state, cordoned }, { style }) => (state !== "online" ? style.bad : cordoned ? style.warn : style.good) },
      { title: "GUESTS", cell: ({ guestCount }) => `${guestCount}`, align: "right" },
      { title: "KERNEL", cell: ({ facts }) => facts?.kernel ?? "", shrinks: true },
      { title: "ROLLOUT", cell: ({ rollout }) => rollout ?? "", shrinks: true },
      { title: "LABELS", cell: ({ labels }) => labelsOf(labels), shrinks: true },
    ],
    terminal,
  );
}

/** One host in full. */
export function hostDetailLines(host: HostView, terminal: Terminal): string[] {
  const { facts } = host;
  const pairs: readonly (readonly [string, string])[] = [
    ["state", stateOf(host)],
    ["labels", labelsOf(host.labels)],
    ["guests", `${host.guestCount}`],
    ["rollout", host.rollout ?? "none"],
    ["enrolled", host.enrolledAt],
    ["last seen", host.lastSeenAt ?? "never"],
    ["certificate ends", host.certificateExpiresAt],
    ["clock offset", host.clockOffsetMs === null ? "unknown" : `${host.clockOffsetMs} ms`],
    ...(facts === null
      ? []
      : ([
          ["agent", facts.agentVersion],
          ["system", `${facts.operatingSystem}, Linux ${facts.kernel}, ${facts.architecture}`],
          ["size", `${facts.cpus} CPUs, ${formatBytes(facts.memoryBytes)}`],
          ["time zone", facts.timeZone],
          ["can do", facts.capabilities.join(", ")],
        ] as const)),
  ];
  return table([["host", host.name] as const, ...pairs], [{ title: "", cell: ([key]) => key }, { title: "", cell: ([, value]) => value, shrinks: true }], terminal).slice(1);
}

/** Guests as a table. */
export function guestLines(guests: readonly GuestView[], terminal: Terminal): string[] {
  if (guests.length === 0) return ["no guests were found"];
  return table(
    guests,
    [
      { title: "HOST", cell: ({ host }) => host, shrinks: true },
      { title: "GUEST", cell: ({ name }) => name, shrinks: true },
      { title: "STATE", cell: ({ state }) => state },
      { title: "DOMAIN", cell: ({ domain }) => domain, shrinks: true },
      { title: "PATH", cell: ({ path }) => path, shrinks: true },
    ],
    terminal,
  );
}

function stateOf({ state, cordoned }: HostView): string {
  return cordoned ? `${state}, cordoned` : state;
}

function labelsOf(labels: HostView["labels"]): string {
  return Object.entries(labels).map(([key, value]) => `${key}=${value}`).join(" ");
}
