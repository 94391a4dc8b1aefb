import type { ContentWanted } from "@samepage/proto";
import type { Logger } from "pino";
import type { DiscoveredGuest } from "../discovery/discover-guests.ts";
import { messageOf } from "../thrown.ts";
import type { CatalogCalls } from "./catalog-calls.ts";
import { serveContent } from "./serve-content.ts";

/** Sends files that other hosts restore, one after the other, beside this host's own job. */
export interface ContentServer {
  wanted(content: ContentWanted): void;
  /** Stops what is being sent. */
  close(): Promise<void>;
}

export interface ContentServerDeps {
  readonly guests: () => Promise<readonly DiscoveredGuest[]>;
  /** What stands before every absolute path that an operator names. */
  readonly root: string;
  readonly calls: (signal: AbortSignal) => CatalogCalls;
  readonly logger: Logger;
}

/** Files that may wait: beyond that others are asked, and the reader asks again. */
const mostWaiting = 64;

export function createContentServer({ guests, root, calls, logger }: ContentServerDeps): ContentServer {
  const closing = new AbortController();
  let waiting = 0;
  let turn: Promise<void> = Promise.resolve();
  const serve = async (content: ContentWanted): Promise<void> => {
    try {
      using connection = calls(closing.signal);
      const source = await serveContent(content, await guests(), root, connection, closing.signal);
      if (source !== undefined) logger.info({ relay: content.relay, source }, "sent a file to a host that restores it");
    } catch (error) {
      if (!closing.signal.aborted) logger.warn({ relay: content.relay, reason: messageOf(error) }, "a file that another host wants was not sent");
    } finally {
      waiting--;
    }
  };
  return {
    wanted: (content) => {
      if (waiting >= mostWaiting || closing.signal.aborted) return;
      waiting++;
      turn = turn.then(async () => serve(content));
    },
    close: async () => {
      closing.abort();
      await turn;
    },
  };
}
