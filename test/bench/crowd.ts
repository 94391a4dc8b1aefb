import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { openLoopFs, run } from "@samepage/test-support";
import { contenders, freshScratch } from "./contenders.ts";
import { type Cost, measure } from "./measure.ts";
import { nativeTool } from "./native-tool.ts";

/** What very many small files cost in memory and time. Bytes and seconds. */
export interface Crowd extends Cost {
  readonly files: number;
  /** Peak memory of a Node that does nothing. */
  readonly nodeMemory: number;
  /** Peak memory beyond that, for each file. */
  readonly bytesPerFile: number;
  readonly peers: readonly { readonly name: string; readonly wall: number; readonly peakMemory: number }[];
}

const guests = 32;
/** File sizes 1 … this; contents are holes, so that neither disk nor the reading of it is what is measured. */
const sizes = 4096;
/** What a file may take at most, however busy the machine: a hundred times what it takes on an idle one. Milliseconds. */
const patiencePerFile = 1;
/** What ext4 makes by default: one inode for so many bytes of the (sparse) image. */
const bytesPerInode = 16_384;

/**
 * Plans so many files in 32 equal guests.
 * @param peers compared with in memory: those that compare bytes
 */
export async function runCrowd(files: number, peers: readonly string[], scratch: string, notice: (line: string) => void): Promise<Crowd> {
  const perGuest = Math.ceil(files / guests);
  // Directories take inodes too, one for a hundred files.
  await using fs = await openLoopFs("ext4", Math.ceil((perGuest * guests * 1.02 * bytesPerInode) / 2 ** 20) + 64);
  const tree = join(fs.mount, "guests");
  await mkdir(tree);
  notice(`making ${(perGuest * guests).toLocaleString("en")} files`);
  await run(await nativeTool("make-crowd", scratch), [tree, String(guests), String(perGuest), String(sizes)]);
  const node = await measure([process.execPath, "--eval", "0"], scratch);
  const costs = new Map<string, Cost>();
  for (const contender of contenders.filter(({ name }) => name === "samepage" || peers.includes(name))) {
    notice(`${(perGuest * guests).toLocaleString("en")} files: ${contender.name}`);
    await freshScratch(scratch);
    costs.set(contender.name, await measure(contender.report(tree, scratch), scratch, Math.max(files * patiencePerFile, 60_000)));
  }
  const ours = costs.get("samepage");
  if (ours === undefined) throw new Error("samepage is not among the contenders");
  return {
    ...ours,
    files: perGuest * guests,
    nodeMemory: node.peakMemory,
    bytesPerFile: (ours.peakMemory - node.peakMemory) / (perGuest * guests),
    peers: [...costs].flatMap(([name, { wall, peakMemory }]) => (name === "samepage" ? [] : [{ name, wall, peakMemory }])),
  };
}
