import { isVersion } from "@samepage/fleet";
import { ControllerError } from "../api/controller-error.ts";
import type { CreateRollout } from "../api/rollout-view.ts";
import type { ReleaseDirectory } from "./release-directory.ts";

/**
 * An upgrade with its version written down, so that all its hosts get the same one, whatever the directory holds by then. Any
 * other rollout is left as it is.
 * @throws ControllerError `invalid` when there is no such version.
 */
export async function withVersion(request: CreateRollout, directory: ReleaseDirectory): Promise<CreateRollout> {
  const { operation } = request;
  if (operation.kind !== "upgrade") {
    if (operation.upgrade === undefined) return request;
    throw new ControllerError("invalid", `${operation.kind} takes no version`, { hint: "it is for upgrade; leave it out" });
  }
  if (operation.guests !== undefined || operation.settings !== undefined || operation.ksm !== undefined) {
    throw new ControllerError("invalid", "upgrade concerns the agent, no guests", { hint: "leave out guests and settings; the selector says which hosts" });
  }
  const version = operation.upgrade?.version ?? (await directory.read())?.version;
  if (version === undefined) throw new ControllerError("invalid", "this controller has no release to upgrade to", { hint: "docs/deployment.md says where it goes" });
  if (!isVersion(version)) throw new ControllerError("invalid", `${version} is not a version`, { hint: "for example 0.2.0", target: version });
  return { ...request, operation: { ...operation, upgrade: { version } } };
}
