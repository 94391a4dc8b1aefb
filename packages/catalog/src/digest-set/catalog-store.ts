import { mkdir, open, readdir, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { createHash } from "node:crypto";
import type { KeyObject } from "node:crypto";
import { CatalogError } from "../catalog-error.ts";
import { verifyManifest } from "./catalog-manifest.ts";
import type { CatalogManifest } from "./catalog-manifest.ts";
import { DigestSet } from "./digest-set.ts";
import type { CatalogLists } from "./digest-set.ts";
import { listChecksum } from "./list-checksum.ts";
import { applySegment, decodeSegment, emptyLists, segmentName } from "./segment.ts";

/** Where an agent gets a domain's catalog from. Both answers are checked, whoever gives them. */
export interface CatalogSource {
  /** The signed manifest. */
  manifest(signal: AbortSignal): Promise<Buffer>;
  /** A segment by name; at most `bytes` long. */
  segment(name: string, bytes: number, signal: AbortSignal): Promise<Buffer>;
}

/** Something refused; the catalog before it stays in force. Reported to the operator. */
export interface CatalogFinding {
  code: string;
  message: string;
}

/** One assembled and checked state of the catalog. */
interface Loaded {
  signed: Buffer;
  manifest: CatalogManifest;
  lists: CatalogLists;
}

export interface CatalogStoreOptions {
  /** Directory of all domains' catalogs, private to root. */
  directory: string;
  domain: string;
  /** Trusted Ed25519 public keys. */
  keys: readonly KeyObject[];
}

/** The manifest in force and the one before it: if the disk damages one, the other still stands. */
const manifestNames = ["manifest", "manifest.previous"] as const;

/**
 * One domain's catalog at an agent: on disk, in memory, and always a state that was complete,
 * signed and checked. Updates replace it as a whole or not at all.
 */
export class CatalogStore {
  private readonly directory: string;
  private readonly options: CatalogStoreOptions;
  private loaded: Loaded | undefined;
  private digests: DigestSet = new DigestSet(emptyLists);

  private constructor(options: CatalogStoreOptions) {
    this.options = options;
    // A domain's name may hold any character; a hash of it is a safe file name.
    this.directory = join(options.directory, createHash("sha256").update(options.domain).digest("hex").slice(0, 32));
  }

  /** Opens the store with the last good state on disk, or empty. Damage becomes findings, never an error. */
  static async open(options: CatalogStoreOptions): Promise<{ store: CatalogStore; findings: CatalogFinding[] }> {
    const store = new CatalogStore(options);
    await mkdir(store.directory, { recursive: true, mode: 0o700 });
    const findings: CatalogFinding[] = [];
    for (const name of manifestNames) {
      const signed = await readFile(join(store.directory, name)).catch(ignoreMissing);
      if (signed === undefined) continue;
      try {
        const manifest = verifyManifest(signed, options.keys, options.domain);
        const lists = await assemble(manifest, undefined, (entry) => store.readSegment(entry.name));
        store.use({ signed, manifest, lists });
        break;
      } catch (error) {
        findings.push(finding(error));
      }
    }
    return { store, findings };
  }

  /** The digests in force; empty until a first update succeeds. */
  get set(): DigestSet {
    return this.digests;
  }

  /** The manifest in force. */
  get manifest(): CatalogManifest | undefined {
    return this.loaded?.manifest;
  }

  /**
   * Fetches what is new. Only missing segments travel; if the result does not have the announced
   * checksum, everything is fetched again once. Whatever is refused leaves the state in force
   * untouched and becomes a finding. Rejects only when `signal` aborts or the source itself fails.
   */
  async update(source: CatalogSource, signal: AbortSignal): Promise<{ changed: boolean; findings: CatalogFinding[] }> {
    const signed = await source.manifest(signal);
    const findings: CatalogFinding[] = [];
    try {
      const manifest = verifyManifest(signed, this.options.keys, this.options.domain);
      if (this.refuseOlder(manifest, signed)) return { changed: false, findings };
      const fetched = new Map<string, Buffer>();
      const lists = await this.assembleNew(manifest, source, fetched, findings, signal);
      await this.save(signed, manifest, fetched);
      this.use({ signed, manifest, lists });
      return { changed: true, findings };
    } catch (error) {
      if (!(error instanceof CatalogError)) throw error;
      findings.push(finding(error));
      return { changed: false, findings };
    }
  }

  /** @returns true when the manifest is the one in force. @throws CatalogError `manifest-rolled-back` when it is older, or another one of the same epoch. */
  private refuseOlder(manifest: CatalogManifest, signed: Buffer): boolean {
    const current = this.loaded;
    if (current === undefined || manifest.epoch > current.manifest.epoch) return false;
    if (signed.equals(current.signed)) return true;
    throw new CatalogError("manifest-rolled-back", `epoch ${manifest.epoch} is offered, ${current.manifest.epoch} is in force`, {
      hint: "an old manifest is being replayed, or the controller was restored from a backup",
    });
  }

  private async assembleNew(manifest: CatalogManifest, source: CatalogSource, fetched: Map<string, Buffer>, findings: CatalogFinding[], signal: AbortSignal): Promise<CatalogLists> {
    const known = new Set((await readdir(this.directory)).filter((name) => name.endsWith(segmentSuffix)).map((name) => name.slice(0, -segmentSuffix.length)));
    const fetchNow = async (entry: { name: string; bytes: number }) => {
      const bytes = await source.segment(entry.name, entry.bytes, signal);
      checkSegment(entry.name, bytes);
      fetched.set(entry.name, bytes);
      return bytes;
    };
    try {
      return await assemble(manifest, this.loaded, (entry) => (known.has(entry.name) ? this.readSegment(entry.name) : (fetched.get(entry.name) ?? fetchNow(entry))));
    } catch (error) {
      if (!(error instanceof CatalogError)) throw error;
      findings.push(finding(error));
      fetched.clear();
      return assemble(manifest, undefined, fetchNow);
    }
  }

  private async readSegment(name: string): Promise<Buffer> {
    const bytes = await readFile(this.segmentPath(name)).catch(ignoreMissing);
    if (bytes === undefined) throw new CatalogError("segment-missing", `segment ${name} is not on disk`);
    checkSegment(name, bytes);
    return bytes;
  }

  /** Segments first, then the manifest that names them, each durable before the next step. */
  private async save(signed: Buffer, manifest: CatalogManifest, fetched: Map<string, Buffer>): Promise<void> {
    for (const [name, bytes] of fetched) await writeDurably(this.segmentPath(name), bytes);
    const [current, previous] = manifestNames.map((name) => join(this.directory, name));
    if (current === undefined || previous === undefined) return;
    if (this.loaded !== undefined) await writeDurably(previous, this.loaded.signed);
    await writeDurably(current, signed);
    await syncDirectory(this.directory);
    const needed = new Set([...manifest.segments, ...(this.loaded?.manifest.segments ?? [])].map(({ name }) => `${name}${segmentSuffix}`));
    for (const name of await readdir(this.directory)) {
      if (name.endsWith(segmentSuffix) && !needed.has(name)) await rm(join(this.directory, name), { force: true });
    }
  }

  private segmentPath(name: string): string {
    return join(this.directory, `${name}${segmentSuffix}`);
  }

  private use(loaded: Loaded): void {
    this.loaded = loaded;
    this.digests = new DigestSet(loaded.lists);
  }
}

const segmentSuffix = ".segment";

/** The lists a manifest announces: from the state in memory where it is a prefix of the new one, else from the first segment on. */
async function assemble(
  manifest: CatalogManifest,
  from: Loaded | undefined,
  read: (entry: { name: string; bytes: number }) => Promise<Buffer> | Buffer,
): Promise<CatalogLists> {
  const have = from?.manifest.segments ?? [];
  const extends_ = have.length <= manifest.segments.length && have.every(({ name }, index) => manifest.segments[index]?.name === name);
  let lists = extends_ && from !== undefined ? from.lists : emptyLists;
  for (const entry of extends_ ? manifest.segments.slice(have.length) : manifest.segments) lists = applySegment(lists, decodeSegment(await read(entry)));
  if (listChecksum(lists) !== manifest.checksum) throw new CatalogError("catalog-checksum", `epoch ${manifest.epoch} does not add up`);
  return lists;
}

function checkSegment(name: string, bytes: Buffer): void {
  if (segmentName(bytes) !== name) throw new CatalogError("segment-corrupt", `segment ${name} has other bytes than its name says`);
}

function finding(error: unknown): CatalogFinding {
  if (!(error instanceof CatalogError)) throw error;
  return { code: error.code, message: error.hint === undefined ? error.message : `${error.message} (${error.hint})` };
}

function ignoreMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== "ENOENT") throw error;
}

/** Written beside, synced, then renamed over: the file is the old one or the new one, whole. */
async function writeDurably(path: string, bytes: Buffer): Promise<void> {
  const handle = await open(`${path}.new`, "w", 0o600);
  try {
    await handle.writeFile(bytes);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(`${path}.new`, path);
}

async function syncDirectory(path: string): Promise<void> {
  const handle = await open(path, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
