import { X509Certificate } from "node:crypto";
import { agentPlaceOptions } from "../agent/place-options.ts";
import { exitCode } from "../exit-code.ts";
import { table } from "../terminal/table.ts";
import { printable } from "../terminal/text-width.ts";
import { defineVerb } from "../verb.ts";

export const agentStatus = defineVerb({
  path: "agent status",
  summary: "show what this host's agent is and which guests it finds",
  description: ["Needs no controller. Exit status 1 when this host is no member of a fleet, or when its certificate has ended."],
  arguments: {},
  options: agentPlaceOptions,
  examples: [{ command: "samepage agent status", meaning: "is this host enrolled, until when, and does it see its guests" }],
  run: async ({ config: file, stateDir }) => {
    const { discoverGuests, readAgentConfig, readIdentity } = await import("@samepage/agent");
    const config = await readAgentConfig(file ?? "/etc/samepage/agent.yaml");
    const state = stateDir ?? "/var/lib/samepage";
    const identity = await readIdentity(state);
    const passedOver: { path: string; reason: string }[] = [];
    const guests = await discoverGuests(config.guests, "", (path, reason) => passedOver.push({ path, reason }), state);
    const member = identity === undefined ? null : { host: identity.host, controller: identity.controller, certificateExpiresAt: new X509Certificate(identity.certificate).validToDate.toISOString() };
    const hasEnded = member !== null && Date.parse(member.certificateExpiresAt) < Date.now();
    return {
      json: { member, guests, passedOver },
      human: (terminal) => [
        member === null ? terminal.style.warn("not a member of any fleet: samepage token create at the controller prints the command that joins") : `host ${member.host}, controller ${member.controller}`,
        ...(member === null ? [] : [hasEnded ? terminal.style.bad(`its certificate ended at ${member.certificateExpiresAt}`) : `certificate until ${member.certificateExpiresAt}, renewed by itself while the agent runs`]),
        ...(guests.length === 0
          ? ["no guests found; agent.yaml can name directories"]
          : table(
              guests,
              [
                { title: "GUEST", cell: ({ name }) => name, shrinks: true },
                { title: "STATE", cell: ({ state }) => state },
                { title: "DOMAIN", cell: ({ domain }) => domain },
                { title: "PATH", cell: ({ path }) => path, shrinks: true },
              ],
              terminal,
            )),
        ...passedOver.map(({ path, reason }) => terminal.style.dim(printable(`${path}: ${reason}`))),
      ],
      exitCode: member === null || hasEnded ? exitCode.failed : exitCode.done,
    };
  },
});
