import { constants } from "node:fs";
import { access, mkdir, readFile, rmdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/** Control groups for processors, as systemd makes them; missing where they cannot be made. */
export interface Groups extends AsyncDisposable {
  /** A guest's, with the default weight. */
  readonly guest: string | undefined;
  /** As deploy/systemd has them: the slice beside the guests', with its weight, and the service in it. */
  readonly agent: string | undefined;
}

/** v1 has the controller in a hierarchy of its own; v2 hands it down where it was told to. */
export async function makeGroups(): Promise<Groups> {
  const none = { guest: undefined, agent: undefined, [Symbol.asyncDispose]: async () => {} };
  const v1 = "/sys/fs/cgroup/cpu";
  const v2 = "/sys/fs/cgroup";
  const isV1 = await readFile(join(v1, "cpu.shares")).then(
    () => true,
    () => false,
  );
  if (!isV1 && !(await readFile(join(v2, "cgroup.subtree_control"), "latin1").catch(() => "")).split(/\s/u).includes("cpu")) return none;
  const top = isV1 ? v1 : v2;
  const slice = join(top, "samepage.slice");
  const agent = join(slice, `bench-${process.pid}`);
  const guest = join(top, `samepage-bench-guest-${process.pid}`);
  const made = [agent, slice, guest];
  try {
    await mkdir(agent, { recursive: true });
    await mkdir(guest);
    // 20 of the default 100, in each one's own units.
    await writeFile(join(slice, isV1 ? "cpu.shares" : "cpu.weight"), isV1 ? "205" : "20");
    await access(join(slice, "cpu.idle"), constants.W_OK);
  } catch {
    await removeGroups(made);
    return none;
  }
  return { guest, agent, [Symbol.asyncDispose]: async () => removeGroups(made) };
}

/** A command that enters the group before it becomes the program. */
export function inGroup(group: string | undefined, [program = "", ...rest]: readonly string[]): [string, string[]] {
  return group === undefined ? [program, rest] : ["sh", ["-c", 'echo $$ >"$0/cgroup.procs" && exec "$@"', group, program, ...rest]];
}

/** What has ended leaves its group a little later; a slice that somebody else uses stays. */
async function removeGroups(paths: readonly string[]): Promise<void> {
  for (const path of paths)
    for (let patience = 0; patience < 50; patience++)
      try {
        await rmdir(path);
        break;
      } catch {
        await sleep(20);
      }
}
