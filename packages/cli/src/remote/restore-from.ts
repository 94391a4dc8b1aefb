import type { ApiClient, RestoreFromTemplate } from "@samepage/controller/api";
import { exitCode } from "../exit-code.ts";
import { formatBytes, formatCount } from "../terminal/format.ts";
import { printable } from "../terminal/text-width.ts";
import type { Context, Outcome } from "../verb.ts";
import { watchRollout } from "./watch-rollout.ts";

/** What one host's agent put back. */
interface Restored {
  readonly restored: number;
  readonly same: number;
  readonly bytes: number;
  readonly bytesFetched: number;
  readonly files: readonly { readonly guest: string; readonly path: string; readonly source: string }[];
  readonly failures: readonly { readonly guest: string; readonly path: string; readonly message: string }[];
  readonly leftAlone: readonly { readonly guest: string; readonly path: string; readonly message: string }[];
}

/** Restores, waits, and says what was put back from where; failed when any file was not. */
export async function restoreFrom(api: ApiClient, request: RestoreFromTemplate, context: Context): Promise<Outcome> {
  const { id } = await api.drift.restore(request, context.signal);
  const rollout = await watchRollout(api, id, context.out, context.signal);
  const report = await api.rollouts.report(id, context.signal);
  const hosts = report.hosts.map(({ host, state, error, result }) => ({ host, state, error: error?.message ?? null, result: isRestored(result) ? result : null }));
  const failed = rollout.state !== "completed" || rollout.hosts.failed > 0 || hosts.some(({ result }) => (result?.failures.length ?? 0) > 0);
  return {
    json: { rollout: id, template: request.name, hosts },
    human: ({ style }) =>
      hosts.flatMap(({ host, error, result }) => {
        const bad = [...(error === null ? [] : [`${host}: ${error}`]), ...(result?.failures ?? []).map(({ guest, path, message }) => `${host}/${guest} /${path}: ${message}`)];
        return (result === null ? [] : linesOf(host, result).map(printable)).concat(bad.map((line) => style.bad(printable(line))));
      }),
    exitCode: failed ? exitCode.failed : exitCode.done,
  };
}

function linesOf(host: string, { restored, same, bytes, bytesFetched, files, leftAlone }: Restored): string[] {
  return [
    ...files.map(({ guest, path, source }) => `${host}/${guest} /${path}  from ${source}`),
    `${host}: ${formatCount(restored)} restored (${formatBytes(bytes)}, ${formatBytes(bytesFetched)} from other hosts), ${formatCount(same)} were the template's already`,
    ...leftAlone.map(({ guest, path, message }) => `${host}/${guest} /${path}  left alone: ${message}`),
  ];
}

function isRestored(result: unknown): result is Restored {
  return typeof result === "object" && result !== null && "leftAlone" in result;
}
