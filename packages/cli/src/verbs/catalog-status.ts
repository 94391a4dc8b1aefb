import { text } from "../option.ts";
import { connect, connectionOptions } from "../remote/connection.ts";
import { formatBytes, formatCount } from "../terminal/format.ts";
import { table } from "../terminal/table.ts";
import { printable } from "../terminal/text-width.ts";
import { defineVerb } from "../verb.ts";

export const catalogStatus = defineVerb({
  path: "catalog status",
  summary: "show each trust domain's catalog, and how it stands at the agents",
  description: [
    "A catalog is what the live template versions of a domain consist of, as agents fetch it: digests only, signed, in segments. Agents ask every few minutes, and before each run that is limited to templates.",
    "What an agent refused (corrupt, replayed or wrongly signed) is shown below the table; the catalog before it stays in force there.",
  ],
  arguments: {},
  options: { host: text("host", "only what this host refused", { defaultText: "all hosts" }), ...connectionOptions },
  examples: [{ command: "samepage catalog status", meaning: "how many digests each domain has, how many agents hold them, and what was refused" }],
  run: async ({ host, ...connection }, context) => {
    const api = await connect(connection, context);
    const [domains, everyAgent] = await Promise.all([api.catalog.domains(context.signal), api.catalog.agents(context.signal)]);
    const agents = everyAgent.filter((agent) => host === undefined || agent.host === host);
    const count = (domain: string, behind: boolean) => everyAgent.filter((agent) => agent.domain === domain && agent.behind === behind).length;
    return {
      json: { domains, agents },
      human: (terminal) => [
        ...table(
          domains,
          [
            { title: "DOMAIN", cell: ({ domain }) => domain, shrinks: true },
            { title: "EPOCH", cell: ({ epoch }) => `${epoch}`, align: "right" },
            { title: "DIGESTS", cell: ({ digests }) => formatCount(digests), align: "right" },
            { title: "SEGMENTS", cell: ({ segments }) => formatCount(segments), align: "right" },
            { title: "ON THE WIRE", cell: ({ wireBytes }) => formatBytes(wireBytes), align: "right" },
            { title: "TEMPLATES", cell: ({ templates }) => formatCount(templates), align: "right" },
            { title: "AGENTS", cell: ({ domain }) => formatCount(count(domain, false)), align: "right" },
            { title: "BEHIND", cell: ({ domain }) => formatCount(count(domain, true)), align: "right" },
            { title: "PUBLISHED", cell: ({ publishedAt }) => publishedAt },
          ],
          terminal,
        ),
        ...agents.flatMap((agent) => agent.findings.map(({ code, message, at }) => terminal.style.bad(printable(`${at} ${agent.host}, domain ${agent.domain}: refused, ${message} [${code}]`)))),
      ],
    };
  },
});
