import { guestProcesses } from "./guest-processes.ts";
import type { GuestSelector } from "./guest-processes.ts";
import { runHelper } from "./helpers.ts";
import { estimate } from "./estimate.ts";
import type { Estimate, PageSample } from "./estimate.ts";
import { KsmError } from "./ksm-error.ts";
import type { KsmPaths } from "./ksm-paths.ts";
import { readKnobs } from "./knob-files.ts";

/** One page content in 2^6: 100 MiB of pages give 400 sampled contents, an error of a few percent. */
const MASK_BITS = 6;
/** 4 GiB a process: a second or two of reading. */
const MAX_PAGES = 1_048_576;

/**
 * Predicts the profit of merging some running guests with each other, by sampling their pages. The guests are neither
 * stopped nor opted in; swapped-out pages stay out.
 * @throws KsmError no-guest when none has a readable process
 */
export async function estimateGuests(paths: KsmPaths, guests: ReadonlyMap<string, GuestSelector>, signal?: AbortSignal): Promise<Estimate> {
  const samples: PageSample[] = [];
  for (const [guest, selector] of guests) {
    const pids = (await guestProcesses(paths.proc, selector, signal)).map((head) => String(head.pid));
    if (pids.length === 0) continue;
    const { status, stdout, stderr } = await runHelper("ksm-sample", [String(MASK_BITS), String(MAX_PAGES), ...pids], signal);
    if (status !== 0) throw new KsmError("helper", "ksm-sample", stderr || `ended with ${status}`, "see the message");
    samples.push(parse(guest, stdout));
  }
  if (samples.every((sample) => sample.read === 0))
    throw new KsmError("no-guest", [...guests.keys()].join(", "), "no process whose pages can be read", "name running guests, and run as root");
  const knobs = readKnobs(paths.sysfs);
  return estimate(samples, 2 ** MASK_BITS, knobs.use_zero_pages === 1, knobs.max_page_sharing ?? 256);
}

function parse(guest: string, stdout: string): PageSample {
  let [present, read, zero] = [0, 0, 0];
  const hashes: string[] = [];
  for (const line of stdout.split("\n")) {
    if (line.startsWith("process ")) {
      const fields = line.split(" ").map(Number);
      read += fields[2] ?? 0;
      zero += fields[3] ?? 0;
      present += fields[4] ?? 0;
    } else if (/^[\da-f]{16}$/u.test(line)) hashes.push(line);
  }
  return { guest, present, read, zero, hashes };
}
