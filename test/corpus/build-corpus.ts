import { mkdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import { baseOf } from "./base.ts";
import { drift } from "./drift.ts";
import type { PackageSet } from "./package-sets.ts";
import { plantOddities } from "./plant-oddities.ts";
import { random } from "./random.ts";
import { unpack } from "./unpack.ts";

export interface CorpusOptions {
  /** Where the guests go, one directory each; made when missing. Every file in them is a private copy. */
  readonly directory: string;
  /** How many. Range 1 … 64. */
  readonly guests: number;
  /** Default `minbase`. */
  readonly set?: PackageSet;
  /** Builds the set `machine` where Debian's cannot be built (no mirror, no mmdebstrap). Default true. */
  readonly fallback?: boolean;
  /** The same seed and set give the same drift. Default 1. */
  readonly seed?: number;
  /** Gets one line before each step that takes long. Default: nothing is said. */
  readonly notice?: (line: string) => void;
}

export interface CorpusGuest {
  /** `guest-1`, `guest-2`, … */
  readonly name: string;
  /** Absolute path of its root. */
  readonly path: string;
  /** What it was really built from. */
  readonly set: PackageSet;
  /** Whether it has had its upgrade: every third guest has. */
  readonly upgraded: boolean;
}

/** Guests in a real data centre differ in how long ago they were upgraded; one in three here is up to date. */
const upgradedEvery = 3;

/** Builds real guests with honest drift. Needs root, for owners, device nodes and capabilities. */
export async function buildCorpus(options: CorpusOptions): Promise<CorpusGuest[]> {
  const { set = "minbase", seed = 1, fallback = true, notice = () => {} } = options;
  if (process.getuid?.() !== 0) throw new Error("corpus: needs root, to make guests with owners, devices and capabilities");
  if (!Number.isInteger(options.guests) || options.guests < 1 || options.guests > 64) {
    throw new Error(`corpus: ${options.guests} guests: give a whole number from 1 to 64`);
  }
  const upgrade = options.guests >= upgradedEvery;
  const base = await baseOf(set, upgrade, notice).catch((error: unknown) => {
    if (!fallback || set === "machine") throw error;
    notice(`no Debian base (${String(error)}); using this machine's own /usr instead`);
    return baseOf("machine", upgrade, notice);
  });
  const directory = resolve(options.directory);
  const guests: CorpusGuest[] = [];
  for (let number = 1; number <= options.guests; number++) {
    const name = `guest-${number}`;
    const path = join(directory, name);
    const upgraded = number % upgradedEvery === 0;
    // An existing one is a mistake: its files would be overwritten in place, through their links.
    await mkdir(directory, { recursive: true });
    await mkdir(path);
    await unpack(upgraded ? base.current : base.release, path);
    await plantOddities(path);
    await drift(path, name, random(seed * 1000 + number));
    guests.push({ name, path, set: base.set, upgraded: upgraded && base.current !== base.release });
  }
  return guests;
}
