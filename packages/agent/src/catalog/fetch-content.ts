import { setTimeout as sleep } from "node:timers/promises";
import { ContentState } from "@samepage/proto";
import { AgentError } from "../agent-error.ts";
import type { CatalogCalls } from "./catalog-calls.ts";

/** Milliseconds between two questions for a part that has not come. */
const askMs = 100;

/** Milliseconds without anything coming before it counts as lost: hosts that are asked read the whole file before they send. */
const patienceMs = 60_000;

/** A template's file as it comes from another host. */
export interface FetchedContent {
  bytes(): AsyncIterable<Buffer>;
  /** Nanoseconds since the epoch; known once the bytes have come. */
  readonly mtimeNs: () => bigint | undefined;
}

/**
 * Asks the fleet for a template's file. The bytes are whatever some host sent: the writer verifies their digest.
 * @throws AgentError `no-copy` from the iteration when nothing comes, `catalog-refused` when nobody can be asked
 */
export function fetchContent(wanted: { readonly template: string; readonly version: string; readonly path: Buffer }, calls: Pick<CatalogCalls, "wantContent" | "readContent">, signal: AbortSignal): FetchedContent {
  let mtime: bigint | undefined;
  async function* bytes(): AsyncGenerator<Buffer> {
    const { relay, asked } = await calls.wantContent(wanted);
    let heard = performance.now();
    for (let part = 0; ; ) {
      const answer = await calls.readContent(relay, part);
      if (answer.state === ContentState.END) {
        mtime = answer.mtimeNs;
        return;
      }
      if (answer.state === ContentState.PART) {
        heard = performance.now();
        part++;
        yield Buffer.from(answer.bytes);
      } else if (performance.now() - heard > patienceMs) {
        throw new AgentError("no-copy", `none of ${asked} hosts has sent ${wanted.path.toString()}`, { hint: "bring the host back that published the template, or one with an unchanged guest" });
      } else await sleep(askMs, undefined, { signal });
    }
  }
  return { bytes, mtimeNs: () => mtime };
}
