import { createHash } from "node:crypto";
import type { PublishResult } from "@samepage/proto";
import { escapedPath } from "./escaped-path.ts";
import type { CatalogCalls } from "./catalog-calls.ts";
import { describeTree, type DescribeOptions } from "./describe-tree.ts";

/** Failures that a report carries. */
const sentFailures = 40;

/**
 * Describes a tree and uploads it as the template version that the job was ordered for. Frames that are already there
 * from an interrupted upload are not sent again.
 * @throws AgentError, CatalogError or LinuxError
 */
export async function publishTemplate(path: string, jobId: string, calls: CatalogCalls, options: Omit<DescribeOptions, "onFrame">): Promise<PublishResult> {
  const kept = (await calls.beginUpload(jobId)).frames;
  let index = 0;
  let resuming = true;
  const built = await describeTree(path, {
    ...options,
    onFrame: async (frame) => {
      const there = kept[index];
      resuming &&= there !== undefined && createHash("sha256").update(frame).digest().equals(there);
      if (!resuming) await calls.putFrame(jobId, index, frame);
      index++;
    },
  });
  await calls.endUpload(jobId, Buffer.from(built.name, "hex"));
  const failures = built.failures.slice(0, sentFailures).map(({ path: name, reason }) => ({ guest: "", path: escapedPath(name), code: reason, message: "left out of the template" }));
  return { manifest: built.name, entries: BigInt(built.entries), bytes: BigInt(built.bytes), failures, failuresOmitted: built.failures.length - failures.length };
}
