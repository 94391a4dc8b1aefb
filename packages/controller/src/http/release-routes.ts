import type { FastifyInstance } from "fastify";
import { ControllerError } from "../api/controller-error.ts";
import type { ReleaseDirectory } from "../release/release-directory.ts";

/** Downloads at the same time: each holds a descriptor and a connection, and anyone who reaches the address may ask. */
const downloadLimit = 64;

/**
 * The installer and the packages, for hosts that are no members yet: open to anyone who reaches the address. Neither is a
 * secret, and hosts run them by their digests only.
 */
export function addReleaseRoutes(app: FastifyInstance, { release, installScript }: { readonly release: ReleaseDirectory; readonly installScript: () => Promise<string | undefined> }): void {
  let downloads = 0;

  app.get("/install", async (_request, reply) => {
    const script = await installScript();
    if (script === undefined) throw new ControllerError("not-found", "this controller has no packages for hosts", { hint: "docs/deployment.md says how to give it some" });
    return reply.headers({ "content-type": "text/x-shellscript; charset=utf-8", "cache-control": "no-store" }).send(script);
  });

  app.get<{ Params: { name: string } }>("/release/:name", async (request, reply) => {
    if (downloads >= downloadLimit) throw new ControllerError("overloaded", "too many hosts fetch packages at once", { hint: "try again in a minute" });
    const found = await release.stream(request.params.name);
    if (found === undefined) throw new ControllerError("not-found", `the release has no file ${request.params.name.slice(0, 200)}`, { target: request.params.name.slice(0, 200) });
    downloads++;
    found.content.once("close", () => downloads--);
    return reply.headers({ "content-type": "application/octet-stream", "content-length": found.file.size, "cache-control": "no-store" }).send(found.content);
  });
}
