import { CliError } from "../cli-error.ts";
import { exitCode } from "../exit-code.ts";
import { text } from "../option.ts";
import { connect, connectionOptions } from "../remote/connection.ts";
import { driftLines, type DriftOfHost } from "../remote/drift-lines.ts";
import { templateName } from "../remote/template-name.ts";
import { watchRollout } from "../remote/watch-rollout.ts";
import type { ArgumentSpec } from "../verb.ts";
import { defineVerb } from "../verb.ts";

const guests: ArgumentSpec<readonly string[]> = { value: "guest", description: "patterns over guest names (* and ?); default: every guest of the template's domain", arity: "any" };

export const drift = defineVerb({
  path: "drift",
  summary: "say where guests differ from a template version",
  description: [
    "modified: other content; missing, extra: only in the template, only in the guest; permissions: same content, other mode, owner or attributes; prelinked: a prelinked variant of the same file; conffile: configuration with other content, as its package allows.",
    "The hosts' agents compare; nothing is changed.",
  ],
  arguments: { guests },
  options: {
    template: text("name[@version]", "what to compare with; without a version: the latest"),
    selector: text("selector", "which hosts, as in rollout create", { defaultText: "all" }),
    ...connectionOptions,
  },
  examples: [{ command: "samepage drift lxc/web-1 --template debian-12@3", meaning: "what web-1 has changed since" }],
  run: async ({ guests: patterns, template, selector, ...connection }, context) => {
    if (template === undefined) throw new CliError("bad-argument", "drift needs --template", "Name what to compare with, e.g. --template debian-12@3; samepage template ls shows them.");
    const { name, version } = await templateName(template);
    const api = await connect(connection, context);
    const request = { name, version, ...(selector === undefined ? {} : { selector }), ...(patterns.length === 0 ? {} : { guests: patterns }) };
    const { id } = await api.templates.compare(request, context.signal);
    const rollout = await watchRollout(api, id, context.out, context.signal);
    const report = await api.rollouts.report(id, context.signal);
    const hosts: DriftOfHost[] = report.hosts.map(({ host, state, error, result }) => ({ host, state, error: error?.message ?? null, guests: guestsOf(result) }));
    return { json: { rollout: id, template: name, hosts }, human: (terminal) => driftLines(hosts, terminal), exitCode: rollout.hosts.failed === 0 && rollout.state === "completed" ? exitCode.done : exitCode.failed };
  },
});

function guestsOf(result: unknown): DriftOfHost["guests"] {
  return typeof result === "object" && result !== null && "guests" in result && Array.isArray(result.guests) ? result.guests : [];
}
