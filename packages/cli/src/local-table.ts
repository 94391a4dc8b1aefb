import type { CommandTable } from "./verb.ts";
import { localDeunify } from "./verbs/local-deunify.ts";
import { localGc } from "./verbs/local-gc.ts";
import { localPlan } from "./verbs/local-plan.ts";
import { localPrelink } from "./verbs/local-prelink.ts";
import { localStatus } from "./verbs/local-status.ts";
import { localUnify } from "./verbs/local-unify.ts";
import { localVerify } from "./verbs/local-verify.ts";

/** The verbs that need no controller. A part of its own, so that they start without loading all others. */
export const localTable: CommandTable = {
  groups: { local: "this host alone; no controller needed" },
  verbs: [localPlan, localUnify, localDeunify, localVerify, localStatus, localGc, localPrelink],
};
