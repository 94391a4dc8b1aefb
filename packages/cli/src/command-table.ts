import type { CommandTable } from "./verb.ts";
import { completion } from "./verbs/completion.ts";
import { doctor } from "./verbs/doctor.ts";
import { man } from "./verbs/man.ts";

/** Everything `samepage` can do. A new verb is one file in verbs/ and one line here. */
export const commandTable: CommandTable = {
  groups: {
    local: "unify guests of this host, no controller needed",
  },
  verbs: [doctor, completion, man],
};
