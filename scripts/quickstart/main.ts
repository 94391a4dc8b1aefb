// The whole path once: hosts, guests, controller, enrolment, canary rollout, proof. Ends by itself and leaves nothing.
import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { run } from "@samepage/test-support";
import { endOfLogs, samepage, startAgent, startController } from "./fleet.ts";
import { makeGuests, makePlainGuests, type HostGuests } from "./guests.ts";
import { makeNetworks, sharedNetwork } from "./network.ts";
import { hostTable, mib, type HostResult } from "./result.ts";
import type { GuestsRead } from "./read-guests.ts";
import { UndoStack } from "./undo-stack.ts";

const hostCount = 3;
const guestsPerHost = 4;
const isKept = process.argv.includes("--keep");
/** In a user namespace we look like root and are not: quickstart.mjs says so. */
const isRoot = process.env["SAMEPAGE_QUICKSTART_PLAIN"] === undefined;
const startedMs = performance.now();

const stop = new AbortController();
for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(name, () => stop.abort(new Error("stopped by you")));
const { signal } = stop;

function say(line: string): void {
  console.log(`\n[${((performance.now() - startedMs) / 1000).toFixed(0).padStart(3)} s] ${line}`);
}

async function read(mode: "record" | "compare", file: string, { guests }: HostGuests): Promise<GuestsRead> {
  const answer: GuestsRead = JSON.parse(await run(process.execPath, [fileURLToPath(new URL("read-guests.ts", import.meta.url)), mode, file, ...guests], { signal }));
  return answer;
}

/** Runs a verb with our terminal, so that its live view is seen. */
async function show(environment: Readonly<Record<string, string>>, ...words: string[]): Promise<void> {
  console.log(`$ samepage ${words.join(" ")}`);
  const child = spawn(process.execPath, [samepage, ...words], { env: { ...process.env, ...environment }, stdio: "inherit", signal });
  const status = await new Promise<number | null>((resolve, reject) => child.once("close", resolve).once("error", reject));
  if (status !== 0) throw new Error(`samepage ${words[0]} ${words[1] ?? ""} ended with status ${status}`);
}

async function quickstart(scratch: string, undo: UndoStack): Promise<void> {
  const names = Array.from({ length: hostCount }, (_, index) => `host-${index + 1}`);
  if (!isRoot) say("Not root, so without: network namespaces (agents share this machine's network), Debian guests on ext4 (instead directories with copies of this machine's files, on a file system in memory for each host), and a guard (nobody writes to these guests).");

  say(`Making ${hostCount} hosts with ${guestsPerHost} guests each${isRoot ? ": Debian, a little different each, on an ext4 file system for each host" : ""}`);
  const networks = isRoot ? await makeNetworks(hostCount, undo) : sharedNetwork(hostCount);
  const hosts: { readonly name: string; readonly guests: HostGuests }[] = [];
  for (const [index, name] of names.entries()) {
    const notice = (line: string): void => console.log(`  ${line}`);
    const guests = isRoot ? await makeGuests(index + 1, guestsPerHost, notice, undo) : await makePlainGuests(join(scratch, `${name}-files`), index + 1, guestsPerHost, undo);
    hosts.push({ name, guests });
    signal.throwIfAborted();
  }

  say("Reading every file of every guest, as their programs would, and writing down what each guest is");
  const before = await Promise.all(hosts.map(async ({ name, guests }) => ({ used: await guests.bytesUsed(), ...(await read("record", join(scratch, `${name}.manifest`), guests)) })));
  console.log(`  ${before.reduce((sum, { entries }) => sum + entries, 0).toLocaleString("en-US")} files and directories; they take ${mib(before.reduce((sum, { cachedBytes }) => sum + cachedBytes, 0))} of page cache`);

  say("Starting Redis and a controller, letting the hosts join by single-use tokens over mutual TLS");
  const fleet = await startController(networks.controller, isRoot ? 7443 : 0, { scratch, undo, signal });
  for (const [index, { name, guests }] of hosts.entries()) {
    const place = networks.hosts[index];
    if (place !== undefined) await startAgent(fleet, name, place, guests.directory, { scratch, undo, signal });
  }
  await show(fleet.environment, "host", "ls");

  say("Unifying: first one canary host, then the others");
  const settings = ["--strategy", "hardlink", "--guard", isRoot ? "immutable" : "none"];
  const { id } = await fleet.ask<{ id: string }>("rollout", "create", "unify", ...settings);
  console.log(`$ samepage rollout create unify ${settings.join(" ")}`);
  await show(fleet.environment, "rollout", "watch", id);
  await show(fleet.environment, "report", id);

  say("Reading every file of every guest again: is anything different, and what does the page cache hold now?");
  const { hosts: reports } = await fleet.ask<{ hosts: readonly { host: string; result: { bytes: { reclaimed: number }; pageCache: { saved: number } } | null }[] }>("report", id);
  const after = await Promise.all(hosts.map(async ({ name, guests }) => read("compare", join(scratch, `${name}.manifest`), guests)));
  const results: HostResult[] = [];
  for (const [index, { name, guests }] of hosts.entries()) {
    const [was, now] = [before[index], after[index]];
    if (was === undefined || now === undefined) continue;
    results.push({
      host: name,
      used: { before: was.used, after: await guests.bytesUsed() },
      cached: { before: was.cachedBytes, after: now.cachedBytes },
      reported: reports.find(({ host }) => host === name)?.result ?? undefined,
      differences: now.differences,
    });
  }
  console.log(hostTable(results).join("\n"));
  const [first] = hosts;
  if (first !== undefined) await show({}, "local", "status", "--state-dir", join(scratch, "look"), ...first.guests.guests);
  const differences = results.flatMap(({ differences: lines }) => lines);
  if (differences.length > 0) throw new Error(`guests are not what they were:\n${differences.join("\n")}`);
  console.log("\nReported and really freed differ by what the pool's own directories take.");
  console.log("No guest can tell: content, owner, mode, times, ACLs, attributes and capabilities of every file are as before.");

  if (isKept) {
    say("Kept running. In another terminal, in this directory:");
    for (const [key, value] of Object.entries(fleet.environment)) console.log(`  export ${key}=${value}`);
    console.log(`  npx samepage host ls\n  npx samepage guest ls\n  npx samepage rollout ls\n  npx samepage local status --state-dir ${join(scratch, "look")} ${hosts[0]?.guests.directory ?? ""}/*\nLogs are in ${scratch}. Ctrl-C here ends it all.`);
    await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
  }
}

const scratch = await mkdtemp(join(tmpdir(), "samepage-quickstart-"));
{
  await using undo = new UndoStack();
  undo.push(`remove ${scratch}`, async () => rm(scratch, { recursive: true, force: true }));
  try {
    await quickstart(scratch, undo);
  } catch (error) {
    process.exitCode = 1;
    if (signal.aborted) console.error("\nquickstart: stopped; taking everything down");
    else console.error(`\nquickstart: ${error instanceof Error ? error.message : String(error)}\n${await endOfLogs(scratch, ["redis", "controller", "host-1", "host-2", "host-3"])}`);
  }
}
say("Everything is stopped, unmounted and removed.");
