import { type DriftSummary, type FleetDrift, summariseFleet } from "@samepage/catalog";
import type { DriftResult, GuestDrift } from "@samepage/proto";
import type { RedisClient } from "../redis/connect-redis.ts";
import { keys } from "../redis/keys.ts";

/** The last comparison of one guest with a template. */
export interface GuestDriftRecord {
  readonly host: string;
  readonly guest: string;
  readonly version: string;
  /** Epoch milliseconds. */
  readonly at: number;
  readonly prelinkCron: boolean;
  readonly summary: DriftSummary;
}

/** What is known of each guest's drift, from the newest comparison of it. */
export interface DriftLedger {
  record(host: string, result: DriftResult, now: number): Promise<void>;
  /** Guests of members that were compared with the template. */
  guests(template: string, members: ReadonlySet<string>): Promise<readonly GuestDriftRecord[]>;
  /** Them all together; undefined when none was compared. */
  fleet(template: string, members: ReadonlySet<string>): Promise<FleetDriftRecord | undefined>;
}

/** All of a template's guests together; times are epoch milliseconds. */
export interface FleetDriftRecord extends FleetDrift {
  /** Guests in which a job runs prelink. */
  readonly prelinkCron: number;
  readonly oldestAt: number;
  readonly newestAt: number;
}

/** Differences kept of each guest: the first 20 name what drifted; 100,000 guests then take about 200 MB. */
const keptItems = 20;
/** Packages kept of each guest. */
const keptPackages = 50;
const keptText = 1024;

export function createDriftLedger(store: RedisClient): DriftLedger {
  const guests: DriftLedger["guests"] = async (template, members) => {
    const all = Object.values(await store.hgetall(keys.drift(template))).map(parse);
    return all.filter(({ host }) => members.has(host)).sort((a, b) => (`${a.host}/${a.guest}` < `${b.host}/${b.guest}` ? -1 : 1));
  };
  return {
    record: async (host, { template, version, guests: compared }, now) => {
      const fields = compared.map((guest) => [`${host}/${guest.name.slice(0, keptText)}`, JSON.stringify(toStored(host, guest, version, now))] as const);
      if (fields.length > 0) await store.hset(keys.drift(template), Object.fromEntries(fields));
    },
    guests,
    fleet: async (template, members) => {
      const records = await guests(template, members);
      if (records.length === 0) return undefined;
      const times = records.map(({ at }) => at);
      return {
        ...summariseFleet(records.map(({ summary }) => summary)),
        prelinkCron: records.filter(({ prelinkCron }) => prelinkCron).length,
        oldestAt: Math.min(...times),
        newestAt: Math.max(...times),
      };
    },
  };
}

const kinds = ["modified", "missing", "extra", "permissions", "prelinked", "conffile"] as const;

/** A record as it is stored: paths are as reports write them, which is reversible. */
type Stored = Omit<GuestDriftRecord, "summary"> & { readonly summary: Omit<DriftSummary, "items"> & { readonly items: readonly { readonly kind: (typeof kinds)[number]; readonly path: string }[] } };

function toStored(host: string, drift: GuestDrift, version: string, at: number): Stored {
  const counts = Object.fromEntries(kinds.map((kind) => [kind, Number(drift[kind])]));
  return {
    host,
    guest: drift.name.slice(0, keptText),
    version,
    at,
    prelinkCron: drift.prelinkCron,
    summary: {
      same: Number(drift.same),
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- made from the very list of kinds
      counts: counts as DriftSummary["counts"],
      bytes: Number(drift.bytes),
      prelinkedBytes: Number(drift.prelinkedBytes),
      behind: drift.behind.slice(0, keptPackages).map((item) => ({ package: item.package.slice(0, keptText), version: item.version.slice(0, keptText), files: Number(item.files) })),
      items: drift.items.flatMap(({ kind: name, path }) => {
        const kind = kinds.find((known) => known === name);
        return kind === undefined || kind === "extra" ? [] : [{ kind, path: path.slice(0, keptText) }];
      }).slice(0, keptItems),
      omitted: Number(drift.itemsOmitted),
    },
  };
}

function parse(text: string): GuestDriftRecord {
  const stored: Stored = JSON.parse(text);
  const items = stored.summary.items.map(({ kind, path }) => ({ kind, path: Buffer.from(path), package: undefined, version: undefined }));
  return { ...stored, summary: { ...stored.summary, items } };
}
