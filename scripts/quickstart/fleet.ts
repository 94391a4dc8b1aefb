import { access, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { run } from "@samepage/test-support";
import { startDaemon, untilReady } from "./daemon.ts";
import type { Place } from "./network.ts";
import type { UndoStack } from "./undo-stack.ts";

/** The real command, as an operator types it. */
export const samepage = fileURLToPath(new URL("../../packages/cli/bin/samepage.mjs", import.meta.url));

/** A running controller and how to talk to it. */
export interface Fleet {
  /** Environment with which every `samepage` command reaches this controller. */
  readonly environment: Readonly<Record<string, string>>;
  /** Runs a verb and gives back its JSON. */
  ask<T>(...words: string[]): Promise<T>;
}

interface Surroundings {
  /** Directory for state and logs. */
  readonly scratch: string;
  readonly undo: UndoStack;
  readonly signal: AbortSignal;
}

/** Starts a private Redis and a controller; port 0 takes a free one. */
export async function startController(place: Place, port: number, { scratch, undo, signal }: Surroundings): Promise<Fleet> {
  const redisSocket = join(scratch, "redis.sock");
  const redisLog = join(scratch, "redis.log");
  const redisWords = ["redis-server", "--port", "0", "--unixsocket", redisSocket, "--unixsocketperm", "700", "--appendonly", "yes", "--maxmemory-policy", "noeviction", "--save", "", "--dir", scratch];
  const redis = startDaemon("Redis", redisWords, redisLog, undo);
  await untilReady("Redis", redis, redisLog, async () => exists(redisSocket), signal);

  const stateDir = join(scratch, "controller");
  const api = `unix:${join(scratch, "api.sock")}`;
  const log = join(scratch, "controller.log");
  const words = [
    ...place.prefix, process.execPath, samepage, "controller", "run",
    "--redis", `unix:${redisSocket}`, "--state-dir", stateDir, "--api-listen", api,
    "--agent-listen", `${place.address}:${port}`, "--name", place.address,
  ];
  const controller = startDaemon("the controller", words, log, undo);
  const environment = { SAMEPAGE_CONTROLLER: api, SAMEPAGE_TOKEN_FILE: join(stateDir, "admin-token") };
  const ask = async <T>(...question: string[]): Promise<T> => {
    const answer: T = JSON.parse(await run(process.execPath, [samepage, ...question, "--json"], { env: { ...process.env, ...environment }, signal }));
    return answer;
  };
  await untilReady("the controller", controller, log, async () => exists(join(scratch, "api.sock")), signal);
  return { environment, ask };
}

/** Enrols a host by a token of its own and starts its agent, over mutual TLS from the first connection. */
export async function startAgent(fleet: Fleet, name: string, place: Place, guests: string, { scratch, undo, signal }: Surroundings): Promise<void> {
  const stateDir = join(scratch, name);
  await mkdir(stateDir, { recursive: true });
  const config = join(stateDir, "agent.yaml");
  // No providers: the machine's own containers are none of ours.
  await writeFile(config, `guests:\n  providers: []\n  directories:\n    - ${guests}/*\n`);
  const { secret, caFingerprint, agentAddress } = await fleet.ask<{ secret: string; caFingerprint: string; agentAddress: string }>("token", "create", "--host", name);
  // The secret goes by file, not by argument: arguments are everybody's to read in /proc.
  const tokenFile = join(stateDir, "token");
  await writeFile(tokenFile, secret, { mode: 0o600 });
  const log = join(scratch, `${name}.log`);
  const verb = (...words: string[]): readonly string[] => [...place.prefix, process.execPath, samepage, "agent", ...words, "--config", config, "--state-dir", stateDir];
  const [program = "", ...joining] = verb("join", "--name", name, "--controller", agentAddress, "--ca-fingerprint", caFingerprint, "--token-file", tokenFile);
  await run(program, joining, { signal });
  const agent = startDaemon(`the agent of ${name}`, verb("run"), log, undo);
  const isOnline = async (): Promise<boolean> => {
    const { hosts } = await fleet.ask<{ hosts: readonly { name: string; state: string; guestCount: number }[] }>("host", "ls");
    return hosts.some((host) => host.name === name && host.state === "online" && host.guestCount > 0);
  };
  await untilReady(`the agent of ${name}`, agent, log, isOnline, signal);
}

/** The last lines of every daemon's log, for when something failed. */
export async function endOfLogs(scratch: string, names: readonly string[]): Promise<string> {
  const ends = await Promise.all(names.map(async (name) => {
    const text = await readFile(join(scratch, `${name}.log`), "utf8").catch(() => "");
    return text === "" ? "" : `--- ${name}\n${text.trimEnd().split("\n").slice(-5).join("\n")}\n`;
  }));
  return ends.join("");
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(() => true, () => false);
}
