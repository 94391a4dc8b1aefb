import { closeSync, constants, openSync } from "node:fs";
import { buildManifest, type BuiltManifest } from "@samepage/catalog";
import { readConffiles } from "@samepage/unify";
import { AgentError } from "../agent-error.ts";
import type { Limits } from "../config/agent-config.ts";
import { messageOf } from "../thrown.ts";

export interface DescribeOptions {
  readonly limits: Limits;
  readonly signal: AbortSignal;
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

function openRoot(path: string): number {
  try {
    return openSync(path, constants.O_RDONLY | constants.O_DIRECTORY);
  } catch (cause) {
    throw new AgentError("discovery", `${path} cannot be read as a tree: ${messageOf(cause)}`, { hint: "name the root directory of a guest on that host", target: path, cause });
  }
}
