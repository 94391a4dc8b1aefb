import { closeSync, fsyncSync, ftruncateSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, writeSync } from "node:fs";
import { dirname, join } from "node:path";
import { tryLock } from "@samepage/linux";
import { errnoCode } from "./errno-code.ts";
import { KsmError } from "./ksm-error.ts";
import type { Knobs } from "./knobs.ts";
import type { ProcessKey } from "./process-key.ts";

/** What is remembered between commands, until `off`. */
export interface KsmState {
  readonly version: 1;
  /** The knobs are the kernel's and die with it: a record of another boot says nothing about this one. */
  readonly bootId: string;
  /** Every knob as it was before our first write. */
  readonly before: Knobs;
  /** MemAvailable in bytes at that moment, for the real saving. */
  readonly memAvailableBefore: number;
  /** Were pages merged already? Then they are not ours to un-merge. */
  readonly mergedBefore: boolean;
  /** The knobs that we wrote last; anything else found in them was written by somebody else. */
  readonly written: Knobs;
  /** Processes that we opted in. */
  readonly enrolled: readonly ProcessKey[];
}

/** The kernel's name for this boot. */
export function bootId(proc: string): string {
  return readFileSync(join(proc, "sys/kernel/random/boot_id"), "utf8").trim();
}

/**
 * Reads the record; `undefined` when there is none for this boot.
 * @throws KsmError bad-state when the file is damaged: the state before would be lost by ignoring it
 */
export function readState(path: string, boot: string): KsmState | undefined {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (cause) {
    if (errnoCode(cause) === "ENOENT") return undefined;
    throw new KsmError("bad-state", path, "cannot be read", "run as root", cause);
  }
  let state: unknown;
  try {
    state = JSON.parse(text);
  } catch (cause) {
    throw new KsmError("bad-state", path, "is damaged", "check the knobs by hand, then remove the file", cause);
  }
  if (!isState(state)) throw new KsmError("bad-state", path, "was written by another version", "use that version for samepage ksm off");
  return state.bootId === boot ? state : undefined;
}

/** Only we write the file, whole or not at all: the version and the parts that matter most tell enough. */
function isState(value: unknown): value is KsmState {
  return typeof value === "object" && value !== null && "version" in value && value.version === 1 && "before" in value && "enrolled" in value;
}

/** Replaces the record durably: it must be on disk before the first knob changes. */
export function writeState(path: string, state: KsmState): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const temporary = `${path}.${process.pid}`;
  const fd = openSync(temporary, "w", 0o600);
  try {
    writeSync(fd, `${JSON.stringify(state, null, 2)}\n`);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  renameSync(temporary, path);
  const directory = openSync(dirname(path), "r");
  try {
    fsyncSync(directory);
  } finally {
    closeSync(directory);
  }
}

/** Removes the record: nothing of ours is left to restore. */
export function removeState(path: string): void {
  rmSync(path, { force: true });
}

/**
 * Runs `action` while holding the record's lock, so that two commands never interleave their transactions. The kernel
 * drops the lock with its holder, however that ends.
 * @throws KsmError locked when another process holds it
 */
export async function withStateLock<T>(path: string, action: () => T | Promise<T>): Promise<T> {
  const lock = `${path}.lock`;
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const fd = openLock(lock);
  try {
    if (!tryLock(fd)) throw new KsmError("locked", path, `process ${readFileSync(lock, "utf8")} is changing KSM`, "wait for it, or end it");
    ftruncateSync(fd);
    writeSync(fd, String(process.pid));
    return await action();
  } finally {
    closeSync(fd);
  }
}

function openLock(path: string): number {
  try {
    return openSync(path, "a", 0o600);
  } catch (cause) {
    throw new KsmError("no-permission", path, "cannot be created", "run as root", cause);
  }
}
