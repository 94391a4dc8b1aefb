import { FleetError } from "./fleet-error.ts";

/**
 * Everything a rollout can ask of a host. The set is closed: a controller can never make a host run a program of its choosing.
 * - `plan`: say what `unify` would do; changes nothing.
 * - `unify`, `deunify`: share identical files; give private copies back.
 * - `verify`: check that the shared state is sound; changes nothing.
 * - `gc`: remove pool objects nothing links to; they come back by themselves with the next `unify`.
 * - `publish-template`, `drift`: describe a tree as a template version; compare guests with one; neither changes a guest.
 * - `restore`: put a template's files back into guests; the bytes that stood there are gone, so there is no way back.
 * - `candidates`: look for files that no template covers; changes nothing.
 * - `ksm-tune`, `ksm-restore`: set KSM's knobs; put back what was there before.
 * - `upgrade`: run another version of the agent, signed by the key that the host has pinned; the host itself goes back to the
 *   old one when the new one does not come back. On purpose it is taken back by an upgrade to the version before.
 */
export const OPERATION_KINDS = ["plan", "unify", "deunify", "verify", "gc", "publish-template", "drift", "restore", "candidates", "ksm-tune", "ksm-restore", "upgrade"] as const;

export type OperationKind = (typeof OPERATION_KINDS)[number];

/** An operation. Its other members are settings that this package only carries, as JSON; who executes it validates them. */
export interface Operation {
  readonly kind: OperationKind;
}

const INVERSES: Partial<Record<OperationKind, OperationKind>> = { unify: "deunify", "ksm-tune": "ksm-restore" };

/**
 * The operation that takes `operation` back on a host, with the same settings (they name the same guests).
 * @throws FleetError `no-inverse` for operations that change nothing or that are themselves a way back.
 */
export function inverseOf(operation: Operation): Operation {
  const kind = INVERSES[operation.kind];
  if (kind === undefined) {
    throw new FleetError("no-inverse", operation.kind, `${operation.kind} cannot be rolled back`, "only unify and ksm-tune leave something to take back");
  }
  return { ...operation, kind };
}
