import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type AgentConfig, defaultConfig } from "@samepage/agent";
import { type TestFleet, unguarded } from "./test-fleet.ts";

/** An enrolled host's agent in a process of its own, which can be killed and started again. */
export interface AgentProcess extends AsyncDisposable {
  readonly pid: number;
  /** SIGKILL: no chance to say anything. */
  kill(): Promise<void>;
  /** Starts it again on its state directory and waits until it is online. */
  start(): Promise<void>;
}

const main = fileURLToPath(new URL("agent-main.ts", import.meta.url));

/** Enrols a host by a new token; its guests are looked for below `root`. */
export async function startAgentProcess(fleet: TestFleet, host: string, root: string, config: AgentConfig = defaultConfig): Promise<AgentProcess> {
  const { secret, caFingerprint, agentAddress } = await fleet.api.tokens.create({ kind: "enrolment" });
  const options = { config: unguarded(config), root, stateDir: join(fleet.dir, host), enrolment: { controller: agentAddress, host, token: secret, fingerprint: caFingerprint } };
  await mkdir(root, { recursive: true });
  let child: ChildProcess | undefined;
  const end = async (signal: NodeJS.Signals) => {
    const ending = child;
    child = undefined;
    if (ending === undefined || ending.exitCode !== null || ending.signalCode !== null) return;
    const exited = once(ending, "exit");
    ending.kill(signal);
    await exited;
  };
  const start = async () => {
    child = spawn(process.execPath, [main, JSON.stringify(options)], { stdio: ["ignore", "inherit", "inherit"] });
    const exited = once(child, "exit").then(([code]) => {
      throw new Error(`the agent of ${host} ended with ${String(code)}`);
    });
    exited.catch(() => {});
    await Promise.race([exited, online(fleet, host)]);
  };
  await start();
  return {
    get pid() {
      return child?.pid ?? 0;
    },
    kill: async () => end("SIGKILL"),
    start,
    [Symbol.asyncDispose]: async () => end("SIGTERM"),
  };
}

/** Milliseconds for a new process to enrol, connect and say what it has. */
const onlineTimeoutMs = 30_000;

async function online(fleet: TestFleet, host: string): Promise<void> {
  const end = Date.now() + onlineTimeoutMs;
  for (;;) {
    const found = (await fleet.api.hosts.list()).find(({ name }) => name === host);
    if (found?.state === "online") return;
    if (Date.now() > end) throw new Error(`${host} was not online in ${onlineTimeoutMs / 1000} s`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
