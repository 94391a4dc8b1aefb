import { readFile } from "node:fs/promises";
import { availableParallelism, machine, release, totalmem } from "node:os";
import type { HostFacts } from "@samepage/proto";

/** Of this agent, as `samepage --version` prints it. */
export const agentVersion = "0.1.0";

/** What this host is. */
export async function readHostFacts(found: { readonly hasCowGuard: boolean }): Promise<HostFacts> {
  return {
    agentVersion,
    kernel: release(),
    architecture: machine(),
    operatingSystem: await readOperatingSystem(),
    cpus: availableParallelism(),
    memoryBytes: BigInt(totalmem()),
    timeZone: Intl.DateTimeFormat().resolvedOptions().timeZone,
    capabilities: await readCapabilities(found.hasCowGuard),
  };
}

/** `ID VERSION_ID` of os-release, e.g. `debian 12`: what selectors compare. */
async function readOperatingSystem(): Promise<string> {
  const text = await readFile("/etc/os-release", "utf8").catch(() => "");
  const value = (key: string) => new RegExp(`^${key}="?([^"\n]*)"?$`, "mu").exec(text)?.[1] ?? "";
  return `${value("ID")} ${value("VERSION_ID")}`.trim();
}

async function readCapabilities(hasCowGuard: boolean): Promise<string[]> {
  const ksm = await readFile("/sys/kernel/mm/ksm/run").then(
    () => true,
    () => false,
  );
  return ["strategy.hardlink", "strategy.reflink", ...(hasCowGuard ? ["guard.cow"] : []), ...(ksm ? ["ksm"] : [])];
}
