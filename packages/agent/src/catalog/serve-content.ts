import { createHash } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { ContentRoom, type ContentWanted } from "@samepage/proto";
import type { DiscoveredGuest } from "../discovery/discover-guests.ts";
import { guestOfOtherDomain } from "./guest-of-other-domain.ts";
import type { CatalogCalls } from "./catalog-calls.ts";
import { type Copy, openCopy } from "./open-copy.ts";

/** Milliseconds before a part is offered again to a reader that is behind. */
const againMs = 200;

/**
 * Sends a file that another host restores, if this host has it: at the same path of a guest of that domain, or in the tree
 * that the template was published from. Only bytes with the wanted digest are sent: who asks must know the content already.
 * @returns where it came from; undefined when there is no copy here, or another host was faster
 */
export async function serveContent({ relay, domain, digest, size, path, tree }: ContentWanted, guests: readonly DiscoveredGuest[], root: string, calls: CatalogCalls, signal: AbortSignal): Promise<string | undefined> {
  const isOwn = tree !== "" && guestOfOtherDomain(`${root}${tree}`, domain, guests) === undefined;
  const trees = [...(!isOwn ? [] : [{ name: tree, path: `${root}${tree}` }]), ...guests.filter((guest) => guest.domain === domain)];
  for (const { name, path: at } of trees) {
    using copy = openCopy(name, at, Buffer.from(path), Number(size));
    if (copy === undefined || !(await hasDigest(copy, Buffer.from(digest)))) continue;
    return (await send(copy, relay, calls, signal)) ? name : undefined;
  }
  return undefined;
}

async function hasDigest(copy: Copy, digest: Buffer): Promise<boolean> {
  const hash = createHash("sha256");
  for await (const chunk of copy.bytes()) hash.update(chunk);
  return hash.digest().equals(digest);
}

async function send(copy: Copy, relay: string, calls: CatalogCalls, signal: AbortSignal): Promise<boolean> {
  let part = 0;
  let held: Buffer | undefined;
  const put = async (chunk: Buffer, last: boolean): Promise<boolean> => {
    for (;;) {
      const { room } = await calls.putContent({ relay, part, bytes: chunk, last, mtimeNs: copy.mtimeNs });
      if (room !== ContentRoom.FULL) {
        part++;
        return room === ContentRoom.TAKEN;
      }
      await sleep(againMs, undefined, { signal });
    }
  };
  // One chunk behind, so that the last one is known as such.
  for await (const chunk of copy.bytes()) {
    if (held !== undefined && !(await put(held, false))) return false;
    held = chunk;
  }
  return put(held ?? Buffer.alloc(0), true);
}
