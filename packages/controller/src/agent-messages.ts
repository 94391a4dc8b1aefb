import type { HostSample } from "@samepage/fleet";
import { GuestState, type Guest, type Health } from "@samepage/proto";
import type { HostFacts, GuestView } from "./api/host-view.ts";
import type { Enrolment } from "./enrolment.ts";
import type { AgentHandler } from "./grpc/agent-handler.ts";
import type { JobInbox } from "./rollout/job-inbox.ts";
import type { HealthBoard } from "./stores/health-board.ts";
import type { HostStore } from "./stores/host-store.ts";

/** What becomes of every message of an agent. */
export function createAgentHandler(hosts: HostStore, jobs: JobInbox, health: HealthBoard, enrolment: Enrolment): AgentHandler {
  return {
    hello: async (host, hello, clockOffsetMs) => {
      await hosts.setFacts(host, toFacts(hello.facts), clockOffsetMs);
      await jobs.hello(host, hello);
    },
    inventory: async (host, guests) => hosts.setGuests(host, guests.map(toGuest)),
    ack: async (host, ack) => jobs.ack(host, ack),
    progress: async (host, progress) => jobs.progress(host, progress),
    report: async (host, report) => jobs.report(host, report),
    heartbeat: async (host, heartbeat) => {
      if (heartbeat.health !== undefined) health.record(host, toSample(heartbeat.health, Date.now()));
      await jobs.heartbeat(host, heartbeat);
    },
    renew: async (host, csr) => enrolment.renew(host, csr),
  };
}

/** Longest text of an agent that is stored: a path of PATH_MAX with every byte escaped. */
const textLimit = 16_384;

/** Guests of a sample that are kept; the agent names no more either. */
const guestsKept = 100;

function toSample({ pressure, guestsDown, ksmBackOff }: Health, at: number): HostSample {
  return {
    at,
    psi: pressure === undefined ? null : { cpu: percent(pressure.cpu), memory: percent(pressure.memory), io: percent(pressure.io) },
    guestsDown: guestsDown.slice(0, guestsKept).map(cut),
    ksmBackOff: ksmBackOff === "" ? null : ksmBackOff.slice(0, 500),
  };
}

/** To two digits, as the kernel says it; whatever is no percentage counts as the worst. */
function percent(value: number): number {
  return value >= 0 && value <= 100 ? Math.round(value * 100) / 100 : 100;
}

function toFacts(facts: Parameters<AgentHandler["hello"]>[1]["facts"]): HostFacts | null {
  if (facts === undefined) return null;
  const { agentVersion, kernel, architecture, operatingSystem, cpus, memoryBytes, timeZone, capabilities } = facts;
  return {
    agentVersion: cut(agentVersion),
    kernel: cut(kernel),
    architecture: cut(architecture),
    operatingSystem: cut(operatingSystem),
    cpus,
    memoryBytes: Number(memoryBytes),
    timeZone: cut(timeZone),
    capabilities: capabilities.slice(0, 100).map(cut),
  };
}

const states: Record<number, GuestView["state"]> = { [GuestState.RUNNING]: "running", [GuestState.STOPPED]: "stopped" };

function toGuest({ name, provider, path, domain, state }: Guest): Omit<GuestView, "host"> {
  return { name: name.slice(0, textLimit), provider: cut(provider), path: path.slice(0, textLimit), domain: cut(domain), state: states[state] ?? "unknown" };
}

function cut(text: string): string {
  return text.slice(0, 256);
}
