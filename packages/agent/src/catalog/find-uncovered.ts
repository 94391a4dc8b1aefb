import { closeSync } from "node:fs";
import { constants as fileConstants } from "node:fs";
import { type DigestSet, isRuntime } from "@samepage/catalog";
import { describeBelow, JobControl, listBelow } from "@samepage/linux";
import type { CandidatesOperation, CandidatesResult, UncoveredFile } from "@samepage/proto";
import type { DiscoveredGuest } from "../discovery/discover-guests.ts";
import type { CatalogCalls } from "./catalog-calls.ts";
import { type DescribeLimits, openRoot } from "./describe-tree.ts";
import { escapedPath } from "./escaped-path.ts";

/** Bytes; below it sharing costs many links for little space, and a fleet's lists grow without telling more. */
const defaultMinSize = 64 * 1024;

/** Distinct contents handed to the controller: those that take most. Ten thousand hosts' lists must fit in Redis. */
const sentFiles = 2000;

/** Contents in one call: below 1 MiB with paths of 1 KiB. */
const perCall = 500;

const sentFailures = 40;
const batchSize = 128;

interface Held {
  readonly size: number;
  readonly path: string;
  readonly domain: string;
  readonly guests: string[];
}

/**
 * Looks for files that no template of their guest's domain covers and hands the largest to the controller, which finds what
 * hosts have in common. Contents are told by digest only.
 * @param covers the domain's catalog; undefined where it has none
 * @throws AgentError, LinuxError
 */
export async function findUncovered({ minSize }: CandidatesOperation, jobId: string, guests: readonly DiscoveredGuest[], covers: (domain: string) => DigestSet | undefined, calls: CatalogCalls, { limits, signal }: DescribeLimits): Promise<CandidatesResult> {
  const least = minSize === 0n ? defaultMinSize : Number(minSize);
  const held = new Map<string, Held>();
  const failures: CandidatesResult["failures"] = [];
  let files = 0;
  let bytes = 0;
  const control = new JobControl(limits);
  const cancel = () => control.cancel();
  signal.addEventListener("abort", cancel, { once: true });
  try {
    for (const { name: guest, path: rootPath, domain } of guests) {
      const root = openRoot(rootPath);
      try {
        const names = (await listBelow(root, control)).filter(({ mode, size, path }) => (mode & fileConstants.S_IFMT) === fileConstants.S_IFREG && size >= least && !isRuntime(path));
        for (let at = 0; at < names.length; at += batchSize) {
          const batch = names.slice(at, at + batchSize);
          const described = await describeBelow(root, batch.map(({ path }) => path), control);
          for (const [index, { path }] of batch.entries()) {
            const found = described[index];
            if (found === undefined) continue;
            if (found.error !== undefined || found.changed) failures.push({ guest, path: escapedPath(path), code: found.error ?? "changed", message: "left out" });
            else if (covers(domain)?.hasDigest(found.digest) !== true) {
              files++;
              bytes += found.size;
              const key = `${domain}\0${found.digest.toString("latin1")}`;
              const known = held.get(key) ?? { size: found.size, path: escapedPath(path), domain, guests: [] };
              if (known.guests.at(-1) !== guest) known.guests.push(guest);
              held.set(key, known);
            }
          }
        }
      } finally {
        closeSync(root);
      }
    }
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  } finally {
    signal.removeEventListener("abort", cancel);
  }
  const largest = [...held].sort(([, a], [, b]) => b.size * b.guests.length - a.size * a.guests.length).slice(0, sentFiles);
  await send(jobId, largest, calls);
  return { files: BigInt(files), bytes: BigInt(bytes), sent: BigInt(largest.length), omitted: BigInt(held.size - largest.length), failures: failures.slice(0, sentFailures), failuresOmitted: Math.max(0, failures.length - sentFailures) };
}

async function send(jobId: string, files: readonly (readonly [string, Held])[], calls: CatalogCalls): Promise<void> {
  const all = files.map(([key, { size, path, guests, domain }]): UncoveredFile => ({ digest: Buffer.from(key.slice(key.indexOf("\0") + 1), "latin1"), size: BigInt(size), path, guests, domain }));
  // Part 0 goes even when nothing was found: what was reported before is over.
  for (let part = 0; part === 0 || part * perCall < all.length; part++) await calls.putUncovered({ jobId, part, files: all.slice(part * perCall, (part + 1) * perCall) });
}
