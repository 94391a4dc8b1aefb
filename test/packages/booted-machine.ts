import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, rmdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { run } from "@samepage/test-support";

/** A Debian that has booted with systemd as its first process, in a container. */
export interface BootedMachine extends AsyncDisposable {
  readonly name: string;
  /** Runs a shell command in it, in root's home. Rejects with what it said when it fails. */
  readonly sh: (command: string) => Promise<string>;
  /** What another program puts before a command to run it in the machine. */
  readonly entry: () => Promise<readonly string[]>;
}

export interface MachineOptions {
  /** Its host name. */
  readonly name: string;
  /** Its root: stays unchanged, what the machine writes goes to `directory`. */
  readonly base: string;
  readonly directory: string;
  /** `/run/netns/…`; machines of one network namespace reach each other at 127.0.0.1. */
  readonly network: string;
  /** `from:to`, directories of this machine that it sees. */
  readonly binds: readonly string[];
  /** Names of the fleet's machines, for /etc/hosts. */
  readonly names: readonly string[];
  /** Units that must not start. */
  readonly masked: readonly string[];
}

/** Seconds that a machine may take to boot, on a busy host. */
const bootSeconds = 120;

/** Where systemd's hierarchies are mounted, on hosts with either layout. */
const hierarchies = ["/sys/fs/cgroup/systemd", "/sys/fs/cgroup/unified", "/sys/fs/cgroup"];

/** Boots one. Needs root, systemd-nspawn and overlay file systems. */
export async function bootMachine({ name, base, directory, network, binds, names, masked }: MachineOptions): Promise<BootedMachine> {
  const [upper, work, root] = ["upper", "work", "root"].map((part) => join(directory, part));
  if (upper === undefined || work === undefined || root === undefined) throw new Error("unreachable");
  for (const path of [upper, work, root]) await mkdir(path, { recursive: true });
  await run("mount", ["-t", "overlay", "overlay", "-o", `lowerdir=${base},upperdir=${upper},workdir=${work}`, root]);
  await writeFile(join(root, "etc/hosts"), `127.0.0.1 localhost ${names.join(" ")}\n`);
  await writeFile(join(root, "etc/hostname"), `${name}\n`);
  for (const unit of masked) await run("ln", ["-sf", "/dev/null", join(root, "etc/systemd/system", unit)]);
  // A control group of its own: two machines in one would fight over it.
  const group = `samepage-test-${randomBytes(6).toString("hex")}`;
  const groups = hierarchies.filter((path) => existsSync(join(path, "cgroup.procs"))).map((path) => join(path, group));
  for (const path of groups) await mkdir(path);
  const enter = `for group in ${groups.join(" ")}; do echo $$ > $group/cgroup.procs; done; exec systemd-nspawn "$@"`;
  const bindings = binds.map((bind) => `--bind=${bind}`);
  const nspawn = ["-q", "-b", "-D", root, `--hostname=${name}`, "--register=no", "--keep-unit", "--capability=all", `--network-namespace-path=${network}`, "--resolv-conf=off", ...bindings];
  // A real host's processes are not filtered: nspawn's own filter would keep fanotify from the agent.
  const child = spawn("sh", ["-c", enter, "sh", ...nspawn], { stdio: ["ignore", "ignore", "ignore"], env: { ...process.env, SYSTEMD_SECCOMP: "0" } });
  const ended = once(child, "close");
  const entry = async () => ["nsenter", "--target", String(await leaderOf(child)), "--all", "env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "LC_ALL=C.UTF-8"];
  const sh = async (command: string) => {
    const [program = "", ...words] = await entry();
    return run(program, [...words, "sh", "-ec", `cd; ${command}`]);
  };
  const machine: BootedMachine = {
    name,
    sh,
    entry,
    [Symbol.asyncDispose]: async () => {
      // Its first process takes all others with it.
      if (child.exitCode === null) process.kill(await leaderOf(child), "SIGKILL");
      await ended;
      await run("umount", [root]);
      for (const path of groups) await removeGroup(path);
    },
  };
  try {
    await untilBooted(machine);
    return machine;
  } catch (error) {
    await machine[Symbol.asyncDispose]();
    throw error;
  }
}

async function untilBooted({ name, sh }: BootedMachine): Promise<void> {
  for (let waited = 0; waited < bootSeconds; waited += 1) {
    // Units that a container cannot run make it "degraded"; what the test needs it asks for itself.
    const state = await sh("systemctl is-system-running || true").catch(() => "");
    if (["running", "degraded"].includes(state.trim())) return;
    await sleep(1000);
  }
  throw new Error(`${name} has not booted within ${bootSeconds} s`);
}

/** The machine's first process, as this machine numbers it. */
async function leaderOf({ pid }: ChildProcess): Promise<number> {
  const [leader] = (await readFile(`/proc/${pid}/task/${pid}/children`, "utf8")).split(" ");
  if (leader === undefined || leader === "") throw new Error("the machine has no first process yet");
  return Number(leader);
}

/** Control groups are removed from the leaves up. */
async function removeGroup(path: string): Promise<void> {
  const entries = await readdir(path, { withFileTypes: true });
  for (const entry of entries) if (entry.isDirectory()) await removeGroup(join(path, entry.name));
  await rmdir(path);
}
