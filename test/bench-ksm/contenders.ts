import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout } from "node:timers/promises";
import { applyKnobs } from "@samepage/ksm";
import type { Knobs, KsmPaths } from "@samepage/ksm";

/** A tuner at work. */
export interface Running {
  /** The process that decides, besides ksmd. */
  readonly pid?: number;
  /** The guests have just opted in: told to those that want to be told. */
  readonly guestsStarted?: () => void | Promise<void>;
  /** Resolves when it says that it has settled; absent: it never says so. */
  readonly settled?: Promise<void>;
  readonly stop: () => Promise<void>;
}

export interface Contender {
  readonly name: string;
  /** What it was given, for the table's foot. */
  readonly settings: string;
  /** Seconds after which it is stopped, whatever it has reached. */
  readonly limit: number;
  readonly start: (paths: KsmPaths) => Promise<Running>;
}

/** The kernel's own values (mm/ksm.c), whatever this machine had. */
const DEFAULTS: Knobs = { run: 1, pages_to_scan: 100, sleep_millisecs: 20 };
const ADVISOR: Knobs = { run: 1, sleep_millisecs: 20, advisor_mode: "scan-time", advisor_max_cpu: 70, advisor_target_scan_time: 200, advisor_min_pages_to_scan: 500, advisor_max_pages_to_scan: 30_000 };
const KSMTUNED = "/usr/sbin/ksmtuned";

function knobs(values: Knobs): Contender["start"] {
  return async (paths) => {
    await applyKnobs(paths, values);
    return { stop: () => Promise.resolve() };
  };
}

async function advisor(paths: KsmPaths): Promise<Running> {
  await applyKnobs(paths, { run: 0 });
  return { guestsStarted: async () => void (await applyKnobs(paths, ADVISOR)), stop: () => Promise.resolve() };
}

/**
 * Debian's script, unchanged, its settings by its own environment variables. It wants SIGUSR1 when a guest starts, and
 * gets it at once; without that it looks once a minute.
 */
function ksmtuned(environment: Readonly<Record<string, string>>): Contender["start"] {
  return async (paths) => {
    await applyKnobs(paths, { run: 0 }); // records the state before; it writes the rest itself
    const directory = mkdtempSync(join(tmpdir(), "samepage-ksmtuned-"));
    const pidFile = join(directory, "pid");
    // A process group of its own: the script leaves its loop behind and ends.
    const child = spawn(KSMTUNED, [], { env: { ...process.env, ...environment, PIDFILE: pidFile }, stdio: "ignore", detached: true });
    await once(child, "exit");
    const pid = Number(readFileSync(pidFile, "utf8"));
    return {
      pid,
      guestsStarted: () => void process.kill(pid, "SIGUSR1"),
      stop: async () => {
        if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
        await setTimeout(100);
        rmSync(directory, { recursive: true });
      },
    };
  };
}

async function samepage(): Promise<Running> {
  const child = spawn(process.execPath, [join(import.meta.dirname, "../../packages/cli/bin/samepage.mjs"), "ksm", "tune"], { stdio: ["ignore", "pipe", "inherit"] });
  const { promise: settled, resolve: settle } = Promise.withResolvers<undefined>();
  const { promise: ready, resolve: begin, reject } = Promise.withResolvers<undefined>();
  const said: string[] = [];
  createInterface(child.stdout).on("line", (line) => {
    begin(undefined);
    said.push(line);
    if (line.startsWith("settled:")) settle(undefined);
  });
  child.on("exit", (status) => {
    reject(new Error(`samepage ksm tune ended with ${status}`));
  });
  await ready;
  return {
    ...(child.pid === undefined ? {} : { pid: child.pid }),
    settled,
    stop: async () => {
      // Ended by itself: its figures are not those of a tuner.
      if (child.exitCode !== null) throw new Error(`samepage ksm tune ended with ${child.exitCode}: ${said.slice(-3).join(" | ")}`);
      const ended = once(child, "exit");
      child.kill("SIGINT");
      await ended;
    },
  };
}

/** Everybody who runs here; ksmtuned only where it is installed. */
export function contenders(): Contender[] {
  const list: Contender[] = [
    { name: "samepage ksm tune", settings: "no options", limit: 300, start: samepage },
    { name: "scan-time advisor", settings: "its defaults: target 200 s, at most 70 % of a core. Turned on with the guests: while nothing is opted in it goes down to 10 pages a wake-up, decides anew only after a full scan, and had merged nothing after 300 s", limit: 300, start: advisor },
    { name: "kernel defaults", settings: "100 pages every 20 ms", limit: 300, start: knobs(DEFAULTS) },
  ];
  if (existsSync(KSMTUNED)) {
    list.push(
      { name: "ksmtuned, memory short", settings: "KSM_THRES_COEF=100: it always sees too little free memory and boosts", limit: 300, start: ksmtuned({ KSM_THRES_COEF: "100" }) },
      { name: "ksmtuned as packaged", settings: "no settings: with free memory above 20 % it stops KSM", limit: 20, start: ksmtuned({}) },
    );
  }
  return list;
}
