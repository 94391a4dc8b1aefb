import { type ChildProcess, spawn } from "node:child_process";
import { mkdir, readFile } from "node:fs/promises";
import { createConnection } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { CliError } from "../cli-error.ts";
import { isRedisNewEnough, redisVersion } from "../doctor/redis-version.ts";
import { exitCode } from "../exit-code.ts";

/** A Redis of our own. */
export interface EmbeddedRedis {
  /** `unix:/path/to/redis.sock`. */
  readonly address: string;
  /** Rejects when the server ends without having been asked to; resolves after close(). */
  readonly ended: Promise<void>;
  /** Stops the server after it has written everything down. */
  close(): Promise<void>;
}

/** sun_path of unix(7) holds 108 bytes with its ending NUL. */
const longestSocketPath = 107;
/** Loading a fleet's worth of state takes seconds; a minute means that something is wrong. */
const readyMs = 60_000;
/** A server that takes a connection and says nothing for so long is asked again. */
const answerMs = 2000;

/**
 * Starts Debian's redis-server on a private unix socket, no TCP port, appending every change, never evicting.
 * Throws CliError `redis-missing` or `redis-failed`, with nothing left running.
 */
export async function startEmbeddedRedis(directory: string, signal: AbortSignal): Promise<EmbeddedRedis> {
  await requireRedis();
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const socket = join(directory, "redis.sock");
  if (Buffer.byteLength(socket) > longestSocketPath) throw new CliError("bad-argument", `${socket} is too long for a unix socket (${longestSocketPath} bytes)`, "Choose a shorter --state-dir.");
  if ((await ping(socket)) !== undefined) throw failed(`another Redis already answers on ${socket}`, "Is samepage up running already? Stop it, or choose another --state-dir.");

  const log = join(directory, "redis.log");
  const child = spawn(
    // Should we be killed, the kernel ends Redis as well: nothing is left running.
    "setpriv",
    ["--pdeathsig", "TERM", "redis-server", "--port", "0", "--unixsocket", socket, "--unixsocketperm", "700", "--dir", directory, "--appendonly", "yes", "--maxmemory-policy", "noeviction", "--logfile", log],
    // A process group of its own: a Ctrl-C at the terminal must not end it before the controller has let go.
    { detached: true, stdio: "ignore" },
  );
  let closing = false;
  const ended = new Promise<void>((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code, by) => {
      if (closing) resolve();
      else reject(failed(`redis-server ended by itself (${by ?? code})`, `Its log says why: ${log}`));
    });
  });
  // Whoever holds the Redis awaits this later; until then a rejection must not end the process.
  ended.catch(() => {});
  const close = async (): Promise<void> => {
    closing = true;
    if (isAlive(child)) child.kill("SIGTERM");
    await ended.catch(() => {});
  };
  try {
    await Promise.race([untilReady(socket, log, signal), ended]);
  } catch (error) {
    await close();
    throw error;
  }
  return { address: `unix:${socket}`, ended, close };
}

async function requireRedis(): Promise<void> {
  const version = await redisVersion();
  if (version === undefined) throw new CliError("redis-missing", "redis-server is not installed", "Install it: apt-get install --no-install-recommends redis-server", { exitCode: exitCode.failed });
  if (!isRedisNewEnough(version)) throw new CliError("redis-missing", `redis-server ${version} is too old`, "Install Redis 6.2 or newer; Debian 12 has it.", { exitCode: exitCode.failed });
}

async function untilReady(socket: string, log: string, signal: AbortSignal): Promise<void> {
  const deadline = performance.now() + readyMs;
  // While it loads its data it answers, but not with PONG.
  while ((await ping(socket)) !== "+PONG") {
    if (performance.now() > deadline) throw failed(`redis-server does not answer after ${readyMs / 1000} s`, `Its log says why: ${await lastLine(log)}`);
    await sleep(50, undefined, { signal });
  }
}

/** First line of the answer; undefined when there is none: nobody listens, or a server that is ending or stuck took the connection. */
async function ping(socket: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    const connection = createConnection(socket);
    connection.setTimeout(answerMs, () => connection.destroy());
    connection.once("error", () => connection.destroy());
    connection.once("connect", () => connection.write("PING\r\n"));
    connection.once("data", (data) => {
      connection.destroy();
      resolve(data.toString().split("\r\n")[0]);
    });
    // Every way ends here, also a server that closes without a word; an answer has resolved it already.
    connection.once("close", () => resolve(undefined));
  });
}

function isAlive(child: ChildProcess): boolean {
  return child.exitCode === null && child.signalCode === null;
}

async function lastLine(log: string): Promise<string> {
  return (await readFile(log, "utf8").catch(() => "")).trimEnd().split("\n").at(-1) ?? "";
}

function failed(message: string, hint: string): CliError {
  return new CliError("redis-failed", message, hint, { exitCode: exitCode.failed });
}
