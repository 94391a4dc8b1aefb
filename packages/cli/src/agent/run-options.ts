import { readFile } from "node:fs/promises";
import type { AgentOptions } from "@samepage/agent";
import { CliError } from "../cli-error.ts";
import { text } from "../option.ts";

/** Where every agent verb finds what it needs. */
export const agentPlaceOptions = {
  config: text("file", "agent.yaml", { defaultText: "/etc/samepage/agent.yaml, or its defaults where there is none", completes: "file" }),
  stateDir: text("dir", "identity, jobs, unsent reports and the index", { defaultText: "/var/lib/samepage", completes: "directory" }),
} as const;

/** What `agent run` takes besides: how to become a member, the first time. */
export const enrolmentOptions = {
  tokenFile: text("file", "file with an enrolment token; used once, ignored when this host is a member", { completes: "file" }),
  caFingerprint: text("sha256:hex", "of the controller's authority, as token create prints it"),
  controller: text("host:port", "the controller", { defaultText: "agent.yaml's" }),
  name: text("name", "the name to enrol with", { defaultText: "agent.yaml's, else the host name" }),
} as const;

interface EnrolmentInput {
  readonly tokenFile: string | undefined;
  readonly caFingerprint: string | undefined;
  readonly controller: string | undefined;
  readonly name: string | undefined;
}

/** Undefined when no token was given: the host must be a member already. */
export async function enrolmentOf({ tokenFile, caFingerprint, controller, name }: EnrolmentInput): Promise<AgentOptions["enrolment"]> {
  if (tokenFile === undefined) return undefined;
  if (caFingerprint === undefined) throw new CliError("bad-argument", "a token without --ca-fingerprint would be sent to whoever answers", "Add the fingerprint that samepage token create printed.");
  const token = await readFile(tokenFile, "utf8").catch((cause: NodeJS.ErrnoException) => {
    throw new CliError("bad-argument", `the token file ${tokenFile} cannot be read: ${cause.code ?? cause.message}`, "Write the token into it, mode 0600.", { cause });
  });
  return { token: token.trim(), fingerprint: caFingerprint, ...(controller === undefined ? {} : { controller }), ...(name === undefined ? {} : { host: name }) };
}
