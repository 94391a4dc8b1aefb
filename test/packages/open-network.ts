import { randomBytes } from "node:crypto";
import { run } from "@samepage/test-support";

/** A network of its own for machines: their ports are the documented ones, whatever else listens here. */
export async function openNetwork(): Promise<AsyncDisposable & { readonly path: string }> {
  const name = `samepage-${randomBytes(4).toString("hex")}`;
  await run("ip", ["netns", "add", name]);
  await run("ip", ["-n", name, "link", "set", "lo", "up"]);
  return { path: `/run/netns/${name}`, [Symbol.asyncDispose]: async () => void (await run("ip", ["netns", "delete", name])) };
}
