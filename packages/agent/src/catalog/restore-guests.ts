import { closeSync, constants } from "node:fs";
import { CatalogError, compareTrees, type Drift, type EntryContent, planAdoption, readManifest, readNeeded, type StagedEntry, stageEntry, type TreeEntry } from "@samepage/catalog";
import { describeBelow, JobControl, LinuxError } from "@samepage/linux";
import type { FileFailure, RestoreOperation, RestoreResult } from "@samepage/proto";
import { AgentError } from "../agent-error.ts";
import type { DiscoveredGuest } from "../discovery/discover-guests.ts";
import { codeOf, messageOf } from "../thrown.ts";
import type { CatalogCalls } from "./catalog-calls.ts";
import { guestsOfDomain } from "./compare-guests.ts";
import { describeGuest, type DescribeLimits, openRoot } from "./describe-tree.ts";
import { escapedPath } from "./escaped-path.ts";
import { fetchContent } from "./fetch-content.ts";
import { fetchTemplate } from "./fetch-template.ts";
import { openCopy } from "./open-copy.ts";

/** Entries of each list of a report. */
const sentEntries = 40;

/** What a restore has come to so far. */
interface Progress {
  readonly files: { guest: string; path: string; source: string }[];
  readonly failures: FileFailure[];
  readonly leftAlone: FileFailure[];
  same: number;
  bytes: number;
  bytesFetched: number;
}

/** What a restore asks of the controller. */
type RestoreCalls = Pick<CatalogCalls, "readTemplate" | "wantContent" | "readContent">;

interface Scene {
  readonly operation: RestoreOperation;
  readonly version: string;
  /** Every guest of the domain on this host: where copies are looked for first. */
  readonly neighbours: readonly DiscoveredGuest[];
  readonly calls: RestoreCalls;
  readonly signal: AbortSignal;
  readonly progress: Progress;
}

/** A file ready to be put in place. */
interface Staged {
  readonly entry: TreeEntry;
  readonly staged: StagedEntry;
  readonly source: string;
}

/**
 * Puts a template version's files back into guests: named paths, or the template's prelinked files over the guests' own
 * variants. Bytes come from a copy on this host, else from one that has them; none is put in place unless its digest is the
 * template's. Doing it again goes on where it stopped: what is the template's already is left alone.
 * @param all every guest of this host
 * @throws AgentError, CatalogError or LinuxError when nothing can be restored at all; single files are failures of the result
 */
export async function restoreGuests(operation: RestoreOperation, guests: readonly DiscoveredGuest[], all: readonly DiscoveredGuest[], calls: RestoreCalls, limits: DescribeLimits): Promise<RestoreResult> {
  const template = await fetchTemplate(operation, calls);
  const own = guestsOfDomain(guests, template.domain);
  const progress: Progress = { files: [], failures: [], leftAlone: [], same: 0, bytes: 0, bytesFetched: 0 };
  const scene: Scene = { operation, version: template.version, neighbours: all.filter(({ domain }) => domain === template.domain), calls, signal: limits.signal, progress };
  const entries = () => readManifest(template.bytes, template.name);
  for (const guest of own) {
    limits.signal.throwIfAborted();
    if (operation.adoptPrelink) await adoptPrelinked(guest, entries(), scene, limits);
    else await restorePaths(guest, entries(), scene);
  }
  const { files, failures, leftAlone } = progress;
  return {
    template: operation.template,
    version: template.version,
    files: files.slice(0, sentEntries),
    filesOmitted: Math.max(0, files.length - sentEntries),
    restored: BigInt(files.length),
    same: BigInt(progress.same),
    bytes: BigInt(progress.bytes),
    bytesFetched: BigInt(progress.bytesFetched),
    failures: failures.slice(0, sentEntries),
    failuresOmitted: Math.max(0, failures.length - sentEntries),
    leftAlone: leftAlone.slice(0, sentEntries),
    leftAloneOmitted: Math.max(0, leftAlone.length - sentEntries),
  };
}

async function restorePaths(guest: DiscoveredGuest, entries: Iterable<TreeEntry>, scene: Scene): Promise<void> {
  const wanted = new Map(scene.operation.paths.map((path) => [Buffer.from(path).toString("latin1"), undefined as TreeEntry | undefined]));
  for (const entry of entries) if (wanted.has(entry.path.toString("latin1"))) wanted.set(entry.path.toString("latin1"), entry);
  for (const [path, entry] of wanted) {
    scene.signal.throwIfAborted();
    if (entry === undefined) scene.progress.failures.push(failure(guest, Buffer.from(path, "latin1"), "template-unknown", "the template has no such name"));
    else await switchTogether(guest, [entry], scene);
  }
}

/** Switches a guest's prelinked variants to the template's, with everything that they need; what cannot go along stays. */
async function adoptPrelinked(guest: DiscoveredGuest, template: Iterable<TreeEntry>, scene: Scene, limits: DescribeLimits): Promise<void> {
  const { entries } = await describeGuest(guest.path, limits, () => ({}));
  const drifts: Drift[] = [...compareTrees(template, entries)];
  const drifted = new Set(drifts.map(({ template: a, guest: b }) => (b ?? a)?.path.toString("latin1")));
  const root = openRoot(guest.path);
  try {
    const variants = drifts.filter(({ kind }) => kind === "prelinked").map((drift) => ({ drift, needed: readNeeded(root, drift.guest?.path ?? Buffer.alloc(0)) }));
    const { adopt, leave } = planAdoption(variants, entries, (path) => !drifted.has(path));
    for (const { entry, reason } of leave) scene.progress.leftAlone.push(failure(guest, entry.path, "prelinked", reason));
    if (adopt.length > 0) await switchTogether(guest, adopt, scene);
  } finally {
    closeSync(root);
  }
}

/** Stages all of them, then puts all in place: when one cannot be staged, none is switched. */
async function switchTogether(guest: DiscoveredGuest, entries: readonly TreeEntry[], scene: Scene): Promise<void> {
  using stack = new DisposableStack();
  const root = openRoot(guest.path);
  stack.defer(() => closeSync(root));
  const ready: Staged[] = [];
  for (const entry of entries) {
    try {
      if (await isTemplates(root, entry)) {
        scene.progress.same++;
        continue;
      }
      const staged = await stage(root, guest, entry, scene);
      stack.use(staged.staged);
      ready.push(staged);
    } catch (error) {
      scene.signal.throwIfAborted();
      if (!isOfFile(error)) throw error;
      const rest = entries.length > 1 ? `; ${entries.length - 1} files that belong together were not switched either` : "";
      scene.progress.failures.push(failure(guest, entry.path, codeOf(error), `${messageOf(error)}${rest}`));
      return;
    }
  }
  for (const { entry, staged, source } of ready) {
    staged.commit();
    scene.progress.files.push({ guest: guest.name, path: escapedPath(entry.path), source });
    scene.progress.bytes += entry.size;
    if (source === "fleet") scene.progress.bytesFetched += entry.size;
  }
}

/** Whether the guest's file is the template's in everything a manifest tells. */
async function isTemplates(root: number, entry: TreeEntry): Promise<boolean> {
  const [found] = await describeBelow(root, [entry.path], new JobControl());
  if (found === undefined || found.error !== undefined || found.changed || (found.mode & constants.S_IFMT) !== constants.S_IFREG) return false;
  const { mode, uid, gid, digest, attributes } = found;
  const sameAttributes = attributes.length === entry.attributes.length && attributes.every(({ name, value }, at) => entry.attributes[at]?.name === name && entry.attributes[at].value.equals(value));
  return entry.digest?.equals(digest) === true && (mode & 0o7777) === entry.mode && uid === entry.uid && gid === entry.gid && sameAttributes;
}

/** Writes the template's bytes beside the name, from the first place whose bytes are really the template's. */
async function stage(root: number, guest: DiscoveredGuest, entry: TreeEntry, scene: Scene): Promise<Staged> {
  // The guest's own file first: only its permissions may have changed.
  for (const neighbour of [guest, ...scene.neighbours.filter(({ path }) => path !== guest.path)]) {
    using copy = openCopy(neighbour.name, neighbour.path, entry.path, entry.size);
    if (copy === undefined) continue;
    try {
      return { entry, source: copy.source, staged: await stageEntry(root, entry, contentOf(copy.bytes(), () => copy.mtimeNs)) };
    } catch (error) {
      if (!(error instanceof CatalogError) || error.code !== "restore-digest") throw error;
    }
  }
  const { template } = scene.operation;
  const fetched = fetchContent({ template, version: scene.version, path: entry.path }, scene.calls, scene.signal);
  return { entry, source: "fleet", staged: await stageEntry(root, entry, contentOf(fetched.bytes(), fetched.mtimeNs)) };
}

function contentOf(bytes: AsyncIterable<Buffer>, mtimeNs: () => bigint | undefined): EntryContent {
  return {
    bytes,
    mtime: () => {
      const ns = mtimeNs();
      return ns === undefined ? undefined : Number(ns / 1000n) / 1e6;
    },
  };
}

/** What concerns one file only: the others go on. */
function isOfFile(error: unknown): boolean {
  return error instanceof CatalogError || error instanceof LinuxError || error instanceof AgentError || codeOf(error) !== "";
}

function failure(guest: DiscoveredGuest, path: Buffer, code: string, message: string): FileFailure {
  return { guest: guest.name, path: escapedPath(path), code, message };
}
