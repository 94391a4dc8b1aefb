import { localTable } from "./local-table.ts";
import type { CommandTable } from "./verb.ts";
import { agentJoin } from "./verbs/agent-join.ts";
import { agentRun } from "./verbs/agent-run.ts";
import { agentStatus } from "./verbs/agent-status.ts";
import { catalogCandidates } from "./verbs/catalog-candidates.ts";
import { catalogStatus } from "./verbs/catalog-status.ts";
import { completion } from "./verbs/completion.ts";
import { controllerRun } from "./verbs/controller-run.ts";
import { doctor } from "./verbs/doctor.ts";
import { drift } from "./verbs/drift.ts";
import { guestLs } from "./verbs/guest-ls.ts";
import { guestShow } from "./verbs/guest-show.ts";
import { hostCordon } from "./verbs/host-cordon.ts";
import { hostLabel } from "./verbs/host-label.ts";
import { hostLs } from "./verbs/host-ls.ts";
import { hostRevoke } from "./verbs/host-revoke.ts";
import { hostShow } from "./verbs/host-show.ts";
import { ksmDeny } from "./verbs/ksm-deny.ts";
import { ksmEnroll } from "./verbs/ksm-enroll.ts";
import { ksmEstimate } from "./verbs/ksm-estimate.ts";
import { ksmExec } from "./verbs/ksm-exec.ts";
import { ksmOff } from "./verbs/ksm-off.ts";
import { ksmStatus } from "./verbs/ksm-status.ts";
import { ksmSweep } from "./verbs/ksm-sweep.ts";
import { ksmTune } from "./verbs/ksm-tune.ts";
import { man } from "./verbs/man.ts";
import { report } from "./verbs/report.ts";
import { rolloutAbort } from "./verbs/rollout-abort.ts";
import { rolloutCreate } from "./verbs/rollout-create.ts";
import { rolloutLs } from "./verbs/rollout-ls.ts";
import { rolloutPause } from "./verbs/rollout-pause.ts";
import { rolloutPlan } from "./verbs/rollout-plan.ts";
import { rolloutResume } from "./verbs/rollout-resume.ts";
import { rolloutRollback } from "./verbs/rollout-rollback.ts";
import { rolloutRetry } from "./verbs/rollout-retry.ts";
import { rolloutWatch } from "./verbs/rollout-watch.ts";
import { templateAdd } from "./verbs/template-add.ts";
import { templateAlias } from "./verbs/template-alias.ts";
import { templateAssign } from "./verbs/template-assign.ts";
import { templateLs } from "./verbs/template-ls.ts";
import { templateRetire } from "./verbs/template-retire.ts";
import { templateShow } from "./verbs/template-show.ts";
import { tokenCreate } from "./verbs/token-create.ts";
import { up } from "./verbs/up.ts";
import { windowApply } from "./verbs/window-apply.ts";
import { windowLs } from "./verbs/window-ls.ts";
import { windowNext } from "./verbs/window-next.ts";
import { windowRm } from "./verbs/window-rm.ts";

/** Everything `samepage` can do. A new verb is one file in verbs/ and one line here, or in local-table.ts. */
export const commandTable: CommandTable = {
  groups: {
    ...localTable.groups,
    ksm: "equal memory of this host's guests, merged by the kernel",
    controller: "coordinates the agents",
    agent: "the daemon on this host",
    token: "secrets that let hosts and operators in",
    host: "the machines with an agent",
    guest: "the root trees on the hosts",
    template: "reference guests, versioned",
    catalog: "what the templates consist of, as agents know it",
    window: "when hosts may be worked on, and when not",
    rollout: "an operation over many hosts, in waves",
  },
  verbs: [
    ...localTable.verbs,
    ksmStatus, ksmTune, ksmExec, ksmEnroll, ksmEstimate, ksmDeny, ksmSweep, ksmOff,
    doctor,
    up,
    controllerRun,
    agentJoin, agentRun, agentStatus,
    tokenCreate,
    hostLs, hostShow, hostLabel, hostCordon, hostRevoke,
    guestLs, guestShow,
    templateAdd, templateLs, templateShow, templateAlias, templateAssign, templateRetire, drift, catalogStatus, catalogCandidates,
    windowApply, windowLs, windowNext, windowRm,
    rolloutCreate, rolloutPlan, rolloutLs, rolloutWatch, rolloutPause, rolloutResume, rolloutAbort, rolloutRetry, rolloutRollback,
    report,
    completion, man,
  ],
};
