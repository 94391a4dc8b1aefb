import type { AuthorityStep } from "../api/authority-view.ts";
import { ControllerError } from "../api/controller-error.ts";
import type { AuthorityFiles } from "./authority-files.ts";
import { createAuthority } from "./certificate-authority.ts";

export interface RotationDeps {
  readonly files: AuthorityFiles;
  /** Members that have not been heard of since a time, epoch milliseconds. */
  readonly silentSince: (at: number) => Promise<readonly string[]>;
  readonly certificateHours: number;
}

/** One step of changing the authority; see AuthorityStep. @throws ControllerError `conflict` when it is not its turn. */
export async function rotateAuthority(step: AuthorityStep, { files, silentSince, certificateHours }: RotationDeps, now: number): Promise<void> {
  const [next, previous] = await Promise.all([files.nextSince(), files.previousSince()]);
  switch (step) {
    case "prepare":
      if (next !== undefined) throw refused("the next authority is prepared already", "go on with the step switch");
      if (previous !== undefined) throw refused("the last change is not finished", "do the step finish first");
      await files.addNext(await createAuthority());
      break;
    case "switch": {
      if (next === undefined) throw refused("no next authority is prepared", "do the step prepare first");
      const silent = await silentSince(next);
      if (silent.length > 0) {
        const named = silent.slice(0, 5).join(", ");
        throw refused(`${silent.length} hosts do not know the next authority yet: ${named}`, "wait until they have connected, or revoke them");
      }
      await files.switchToNext();
      break;
    }
    case "finish": {
      if (previous === undefined) throw refused("no authority is waiting to be removed", "do the steps prepare and switch first");
      const end = previous + certificateHours * 3_600_000;
      if (now < end) throw refused(`certificates of the previous authority are good until ${new Date(end).toISOString()}`, "do this step after that; agents renew by themselves");
      await files.removePrevious();
      break;
    }
  }
}

function refused(message: string, hint: string): ControllerError {
  return new ControllerError("conflict", message, { hint, target: "authority" });
}
