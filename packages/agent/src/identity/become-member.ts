import { hostname } from "node:os";
import { AgentError } from "../agent-error.ts";
import type { AgentOptions } from "../agent-options.ts";
import type { AgentConfig } from "../config/agent-config.ts";
import { enrol } from "./enrol.ts";
import { type Identity, readIdentity, writeIdentity } from "./identity-file.ts";

/**
 * This host's identity: the one it has, or a new one by a token. A token is not used, and so stays good, where there is one already.
 * @param stateDir where identities are kept
 * @throws AgentError `config`, `not-enrolled`, `wrong-authority`, `enrolment-refused` or `unreachable`.
 */
export async function becomeMember(config: AgentConfig, stateDir: string, enrolment: AgentOptions["enrolment"]): Promise<Identity> {
  const known = await readIdentity(stateDir);
  // agent.yaml decides where the controller is: it may have moved.
  if (known !== undefined) return config.controller === undefined ? known : { ...known, controller: config.controller };
  if (enrolment === undefined) {
    throw new AgentError("not-enrolled", "this host is not enrolled", { hint: "samepage token create at the controller prints the command that joins", target: stateDir });
  }
  const controller = enrolment.controller ?? config.controller;
  if (controller === undefined) throw new AgentError("config", "no controller is named", { hint: "give its host:port, or write it to agent.yaml" });
  const identity = await enrol({ controller, host: enrolment.host ?? config.host ?? hostname(), token: enrolment.token, fingerprint: enrolment.fingerprint });
  await writeIdentity(stateDir, identity);
  return identity;
}
