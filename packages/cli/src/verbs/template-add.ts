import { CliError } from "../cli-error.ts";
import { exitCode } from "../exit-code.ts";
import { one, text } from "../option.ts";
import { connect, connectionOptions } from "../remote/connection.ts";
import { rolloutLines } from "../remote/rollout-lines.ts";
import { templateName } from "../remote/template-name.ts";
import { watchRollout } from "../remote/watch-rollout.ts";
import { defineVerb } from "../verb.ts";

export const templateAdd = defineVerb({
  path: "template add",
  summary: "publish a tree on a host as a template version",
  description: [
    "The host's agent describes the tree (names, digests, permissions, owners, attributes, packages) and uploads the description; no content is copied. The version's digests then belong to the catalog of its trust domain.",
    "A version never changes: publish a changed tree as a new one. Ctrl-C stops waiting; the publication goes on, and one that was interrupted resumes.",
  ],
  arguments: { template: one("name@version", "name and version, e.g. debian-12@3") },
  options: {
    host: text("host", "the host the tree is on"),
    path: text("dir", "root directory of the tree on that host"),
    domain: text("name", "trust domain whose guests may share with it", { defaultText: "default" }),
    ...connectionOptions,
  },
  examples: [{ command: "samepage template add debian-12@3 --host build1 --path /srv/templates/debian-12", meaning: "publish version 3" }],
  run: async ({ template, host, path, domain, ...connection }, context) => {
    if (host === undefined || path === undefined) throw new CliError("bad-argument", "a template needs --host and --path", "Say where its tree is, e.g. --host build1 --path /srv/templates/debian-12.");
    const { name, version } = await templateName(template);
    const api = await connect(connection, context);
    const { id } = await api.templates.publish({ name, version, host, path, ...(domain === undefined ? {} : { domain }) }, context.signal);
    const rollout = await watchRollout(api, id, context.out, context.signal);
    const published = rollout.hosts.succeeded === 1;
    const [report] = (await api.rollouts.report(id, context.signal)).hosts;
    return {
      json: { rollout: id, published, result: report?.result ?? null, error: report?.error ?? null },
      human: (terminal) => (published ? [`${name}@${version} is published`] : [...rolloutLines(rollout, terminal), ...(report?.error ? [report.error.message] : [])]),
      exitCode: published ? exitCode.done : exitCode.failed,
    };
  },
});
