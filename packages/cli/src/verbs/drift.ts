import type { ApiClient } from "@samepage/controller/api";
import { CliError } from "../cli-error.ts";
import { exitCode } from "../exit-code.ts";
import { onlyGiven } from "../only-given.ts";
import { text, texts, toggle } from "../option.ts";
import { connect, connectionOptions } from "../remote/connection.ts";
import { driftLines, type DriftOfHost } from "../remote/drift-lines.ts";
import { restoreFrom } from "../remote/restore-from.ts";
import { templateName } from "../remote/template-name.ts";
import { watchRollout } from "../remote/watch-rollout.ts";
import type { ArgumentSpec, Context } from "../verb.ts";
import { defineVerb } from "../verb.ts";

const guests: ArgumentSpec<readonly string[]> = { value: "guest", description: "patterns over guest names (* and ?); default: every guest of the template's domain", arity: "any" };

export const drift = defineVerb({
  path: "drift",
  summary: "say where guests differ from a template version, and put its files back",
  description: [
    "modified: other content; missing, extra: only in the template, only in the guest; permissions: same content, other mode, owner or attributes; prelinked: a prelinked variant of the same file; conffile: configuration with other content, as its package allows. Without --template each guest is compared with the template it is assigned to (template assign).",
    "The hosts' agents compare; nothing is changed. With --restore the template's bytes are put back at those paths: from a copy on the same host, else from a host that has them, and never unless their digest is the template's.",
    "With --adopt-template-prelink the template's prelinked libraries and programs, each with all it needs, replace the guests' own prelinked variants; what cannot go along is left alone and named. Turn prelink's cron job in the guests off first, or it undoes this every night. Running it again goes on where it stopped.",
  ],
  arguments: { guests },
  options: {
    template: text("name[@version]", "what to compare with; without a version: the latest", { defaultText: "what the guests are assigned to" }),
    selector: text("selector", "which hosts, as in rollout create", { defaultText: "all" }),
    restore: texts("path", "put this file back from the template; repeat for more"),
    adoptTemplatePrelink: toggle("replace prelinked variants by the template's, with what they need"),
    ...connectionOptions,
  },
  examples: [
    { command: "samepage drift lxc/web-1 --template debian-12@3", meaning: "what web-1 has changed since" },
    { command: "samepage drift --selector env=prod", meaning: "every guest in production against the template it is assigned to" },
    { command: "samepage drift lxc/web-1 --template debian-12@3 --restore /usr/bin/ssh", meaning: "put the template's ssh back" },
  ],
  run: async ({ guests: patterns, template, selector, restore, adoptTemplatePrelink, ...connection }, context) => {
    if (restore.length > 0 || adoptTemplatePrelink) {
      if (template === undefined || patterns.length === 0) throw new CliError("bad-argument", "restoring needs --template and guests by name", "Say what is put back where, e.g. samepage drift lxc/web-1 --template debian-12@3 --restore /usr/bin/ssh.");
      if (restore.length > 0 && adoptTemplatePrelink) throw new CliError("bad-argument", "--restore and --adopt-template-prelink are two jobs", "Run one after the other.");
      const what = adoptTemplatePrelink ? { adoptPrelink: true } : { paths: restore };
      return restoreFrom(await connect(connection, context), { ...(await templateName(template)), guests: patterns, ...onlyGiven({ selector }), ...what }, context);
    }
    const api = await connect(connection, context);
    const request = { ...onlyGiven({ selector }), ...(patterns.length === 0 ? {} : { guests: patterns }) };
    if (template !== undefined) {
      const compared = await compare(api, { ...(await templateName(template)), ...request }, context);
      return { json: { rollout: compared.rollout, template: compared.template, hosts: compared.hosts }, human: (terminal) => driftLines(compared.hosts, terminal), exitCode: compared.failed ? exitCode.failed : exitCode.done };
    }
    const assigned = (await api.templates.list(context.signal)).filter((known) => known.guests.length > 0);
    if (assigned.length === 0) throw new CliError("bad-argument", "no template is assigned to guests", "Name one with --template, or say which guests are made from it: samepage template assign debian-12 'lxc/web-*'.");
    const all: Compared[] = [];
    for (const { name } of assigned) all.push(await compare(api, { name, assigned: true, ...request }, context));
    return {
      json: { templates: all.map(({ rollout, template: name, hosts }) => ({ rollout, template: name, hosts })) },
      human: (terminal) => all.flatMap(({ template: name, hosts }) => [terminal.style.bold(name), ...driftLines(hosts, terminal)]),
      exitCode: all.some(({ failed }) => failed) ? exitCode.failed : exitCode.done,
    };
  },
});

interface Compared {
  readonly rollout: string;
  readonly template: string;
  readonly hosts: readonly DriftOfHost[];
  readonly failed: boolean;
}

async function compare(api: ApiClient, request: Parameters<ApiClient["drift"]["compare"]>[0], context: Context): Promise<Compared> {
  const { id } = await api.drift.compare(request, context.signal);
  const rollout = await watchRollout(api, id, context.out, context.signal);
  const report = await api.rollouts.report(id, context.signal);
  const hosts = report.hosts.map(({ host, state, error, result }): DriftOfHost => ({ host, state, error: error?.message ?? null, guests: guestsOf(result) }));
  return { rollout: id, template: request.name, hosts, failed: rollout.hosts.failed > 0 || rollout.state !== "completed" };
}

function guestsOf(result: unknown): DriftOfHost["guests"] {
  return typeof result === "object" && result !== null && "guests" in result && Array.isArray(result.guests) ? result.guests : [];
}
