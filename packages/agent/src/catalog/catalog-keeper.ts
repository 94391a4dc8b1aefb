import { createPublicKey, type KeyObject } from "node:crypto";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type CatalogFinding, type CatalogSource, CatalogStore, type DigestSet } from "@samepage/catalog";
import type { GetCatalogResponse } from "@samepage/proto";
import type { Logger } from "pino";
import { AgentError } from "../agent-error.ts";
import { readIfThere, writeDurable } from "../durable-file.ts";
import { messageOf } from "../thrown.ts";
import type { CatalogCalls } from "./catalog-calls.ts";
import { nextFetchMs } from "./next-fetch.ts";

/** Keeps the catalogs of this host's trust domains: fetched now and then, verified, on disk; always the last good one. */
export interface CatalogKeeper {
  /**
   * Fetches what is new for these domains and answers for them. When the controller is away or offers something that is
   * refused, the catalogs in force answer.
   * @throws AgentError `catalog-missing` when a domain has none
   */
  scopes(domains: ReadonlySet<string>, signal: AbortSignal): Promise<(domain: string) => DigestSet>;
  /** The same, for domains that may have no catalog. */
  known(domains: ReadonlySet<string>, signal: AbortSignal): Promise<(domain: string) => DigestSet | undefined>;
  /** Stops fetching. */
  close(): Promise<void>;
}

export interface CatalogKeeperDeps {
  /** Private to root. */
  readonly directory: string;
  readonly calls: (signal: AbortSignal) => CatalogCalls;
  /** Domains that this host has guests of now. */
  readonly domains: () => Promise<ReadonlySet<string>>;
  /** Seconds over which the controller spreads a whole fleet's return; 0 while it has not said. */
  readonly fleetSeconds: () => number;
  readonly logger: Logger;
  /** Waits some milliseconds; rejects when the signal aborts. Default: a timer. */
  readonly wait?: (ms: number, signal: AbortSignal) => Promise<void>;
}

/** Public keys that the controller last named over its verified connection, one base64 DER a line. */
const keysName = "trusted-keys";

export function createCatalogKeeper({ directory, calls, domains, fleetSeconds, logger, wait = async (ms, signal) => sleep(ms, undefined, { signal }) }: CatalogKeeperDeps): CatalogKeeper {
  const closing = new AbortController();
  const stores = new Map<string, CatalogStore>();
  let keys: readonly string[] | undefined;
  /** Updates come one after the other: they write the same files. */
  let turn: Promise<unknown> = Promise.resolve();

  const open = async (domain: string): Promise<{ store: CatalogStore; findings: readonly CatalogFinding[] }> => {
    const known = stores.get(domain);
    if (known !== undefined) return { store: known, findings: [] };
    await mkdir(directory, { recursive: true, mode: 0o700 });
    keys ??= (await readIfThere(join(directory, keysName)))?.toString().split("\n").filter((line) => line !== "") ?? [];
    const opened = await CatalogStore.open({ directory, domain, keys: keys.map(toKey) });
    stores.set(domain, opened.store);
    return opened;
  };
  /** What the controller says over its own verified connection decides who may sign; a Redis that was tampered with cannot. */
  const trust = async (offered: readonly string[]) => {
    if (keys?.join("\n") === offered.join("\n")) return;
    await mkdir(directory, { recursive: true, mode: 0o700 });
    await writeDurable(join(directory, keysName), `${offered.join("\n")}\n`);
    keys = offered;
    stores.clear();
  };
  const update = async (domain: string, signal: AbortSignal): Promise<void> => {
    using connection = calls(signal);
    const answer = await connection.getCatalog(domain);
    await trust(answer.keys.map((key) => Buffer.from(key).toString("base64")));
    const { store, findings } = await open(domain);
    // A domain without templates has no catalog, and that is no finding; one that had a catalog must not lose it silently.
    if (answer.manifest.length === 0 && store.manifest === undefined && findings.length === 0) return;
    const outcome = await store.update(sourceOf(connection, domain, answer), signal);
    const all = [...findings, ...outcome.findings];
    for (const { code, message } of all) logger.warn({ domain, code, reason: message }, "a catalog was refused; the one before stays in force");
    if (outcome.changed) logger.info({ domain, epoch: store.manifest?.epoch, digests: store.set.count }, "a new catalog is in force");
    await connection.reportCatalog({ domain, epoch: BigInt(store.manifest?.epoch ?? 0), entries: BigInt(store.set.count), findings: all });
  };
  const refresh = async (wanted: ReadonlySet<string>, signal: AbortSignal): Promise<void> => {
    for (const domain of wanted) {
      const mine = turn.then(async () => update(domain, signal));
      turn = mine.catch(() => {});
      await mine.catch((error: unknown) => {
        signal.throwIfAborted();
        logger.warn({ domain, reason: messageOf(error) }, "the catalog cannot be fetched now");
      });
    }
  };

  const fetching = (async () => {
    for (let first = true; !closing.signal.aborted; first = false) {
      const waits = [...stores.values()].map(({ manifest }) => manifest?.minimumWait ?? 0);
      await wait(nextFetchMs({ minimumWait: Math.max(0, ...waits), fleetSeconds: fleetSeconds() }, first, Math.random), closing.signal).catch(() => {});
      if (closing.signal.aborted) return;
      await domains().then(async (wanted) => refresh(wanted, closing.signal)).catch((error: unknown) => {
        if (!closing.signal.aborted) logger.warn({ reason: messageOf(error) }, "catalogs cannot be fetched now");
      });
    }
  })();

  const known: CatalogKeeper["known"] = async (wanted, signal) => {
    await refresh(wanted, AbortSignal.any([signal, closing.signal]));
    const sets = new Map<string, DigestSet>();
    for (const domain of wanted) {
      const { store } = await open(domain);
      if (store.manifest !== undefined) sets.set(domain, store.set);
    }
    return (domain) => sets.get(domain);
  };
  return {
    known,
    scopes: async (wanted, signal) => {
      const find = await known(wanted, signal);
      const missing = [...wanted].filter((domain) => find(domain) === undefined);
      if (missing.length > 0) throw new AgentError("catalog-missing", `domain ${missing.join(", ")} has no catalog`, { hint: "publish a template of that domain (samepage template add), or unify with scope all", target: missing.join(",") });
      return (domain) => {
        const set = find(domain);
        if (set === undefined) throw new AgentError("internal", `domain ${domain} was not asked for`);
        return set;
      };
    },
    close: async () => {
      closing.abort();
      await fetching;
      await turn;
    },
  };
}

function toKey(base64: string): KeyObject {
  return createPublicKey({ key: Buffer.from(base64, "base64"), format: "der", type: "spki" });
}

function sourceOf(connection: CatalogCalls, domain: string, answer: GetCatalogResponse): CatalogSource {
  return {
    manifest: async () => Buffer.from(answer.manifest),
    segment: async (name, bytes) => {
      const parts: Buffer[] = [];
      let got = 0;
      for (let part = 0, count = 1; part < count && got <= bytes; part++) {
        const answered = await connection.readSegment(domain, name, part);
        count = answered.parts;
        got += answered.bytes.length;
        parts.push(Buffer.from(answered.bytes));
      }
      return Buffer.concat(parts);
    },
  };
}
