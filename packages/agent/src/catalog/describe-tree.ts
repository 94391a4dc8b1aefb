import { closeSync, constants, openSync } from "node:fs";
import { buildManifest, type BuiltManifest, readManifest, type TreeEntry } from "@samepage/catalog";
import { readConffiles } from "@samepage/unify";
import { AgentError } from "../agent-error.ts";
import type { Limits } from "../config/agent-config.ts";
import { messageOf } from "../thrown.ts";

/** How hard a tree may be read. */
export interface DescribeLimits {
  readonly limits: Limits;
  readonly signal: AbortSignal;
}

export interface DescribeOptions extends DescribeLimits {
  readonly onFrame: (frame: Buffer) => Promise<void>;
}

/**
 * Describes the tree at a path of this host, configuration files as its packages name them.
 * @throws AgentError `discovery` when there is no such directory; what buildManifest throws
 */
export async function describeTree(path: string, { limits, signal, onFrame }: DescribeOptions): Promise<BuiltManifest> {
  const root = openRoot(path);
  try {
    // A damaged package database only means that its configuration counts as modified.
    const conffiles = await readConffiles(path, signal, () => {});
    return await buildManifest({ root, conffiles, onFrame, signal, ...limits });
  } finally {
    closeSync(root);
  }
}

/**
 * Describes a guest in memory, and asks something of its open root besides.
 * @throws as describeTree
 */
export async function describeGuest<T extends object>(path: string, limits: DescribeLimits, ask: (root: number) => T): Promise<T & { readonly entries: readonly TreeEntry[] }> {
  const frames: Buffer[] = [];
  const { name } = await describeTree(path, { ...limits, onFrame: async (frame) => {
      frames.push(frame);
    },
  });
  const root = openRoot(path);
  try {
    return { ...ask(root), entries: [...readManifest(Buffer.concat(frames), name)] };
  } finally {
    closeSync(root);
  }
}

/** Opens a guest's or template's root. @throws AgentError `discovery` */
export function openRoot(path: string): number {
  try {
    return openSync(path, constants.O_RDONLY | constants.O_DIRECTORY);
  } catch (cause) {
    throw new AgentError("discovery", `${path} cannot be read as a tree: ${messageOf(cause)}`, { hint: "name the root directory of a guest on that host", target: path, cause });
  }
}
