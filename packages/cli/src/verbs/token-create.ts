import type { CreateToken } from "@samepage/controller/api";
import { CliError } from "../cli-error.ts";
import { choice, duration, text, texts } from "../option.ts";
import { connect, connectionOptions } from "../remote/connection.ts";
import { parseLabels } from "../remote/parse-labels.ts";
import { defineVerb } from "../verb.ts";

export const tokenCreate = defineVerb({
  path: "token create",
  summary: "make a token that enrols one host, or one for an operator",
  description: [
    "An enrolment token (the default) works once. The secret is shown now and never again; the controller keeps only its hash.",
    "For a new host it prints one line that installs the agent and joins, if the controller has the agent's packages (--release-dir of controller run) and hosts reach the operators' port. The line runs what it fetches only if that has the digest in it.",
    "With --role the token is an operator's: viewer reads, operator runs rollouts and labels or cordons hosts, admin also handles tokens and revokes hosts.",
  ],
  arguments: {},
  options: {
    host: text("name", "the only host name that the token may enrol", { defaultText: "any free name" }),
    label: texts("key=value", "label that the host starts with; repeat for more"),
    role: choice("role", ["viewer", "operator", "admin"], "make an operator token with this role"),
    name: text("name", "who the operator is, for the audit; a note on an enrolment token"),
    ttl: duration("how long it works: 90s, 15m, 2h, 7d", "1h to enrol; an operator's does not expire"),
    ...connectionOptions,
  },
  examples: [
    { command: "samepage token create --host web-1 --label ring=canary", meaning: "let the host web-1 join" },
    { command: "samepage token create --role viewer --name grafana", meaning: "a token that can only look" },
  ],
  run: async (input, context) => {
    const created = await (await connect(input, context)).tokens.create(requestOf(input), context.signal);
    const { token, secret, caFingerprint, agentAddress, installCommand } = created;
    return {
      json: created,
      human: ({ style }) =>
        token.kind === "operator"
          ? [style.dim(`operator ${token.name}, ${token.role ?? ""}; shown only now:`), secret]
          : [
              ...(installCommand === null ? [] : [style.dim(`works once, until ${token.expiresAt ?? "used"}; on the new host, as root, to install the agent and join:`), installCommand]),
              style.dim(installCommand === null ? `works once, until ${token.expiresAt ?? "used"}; on the new host, as root:` : "or where the agent is installed already:"),
              `echo ${secret} | samepage agent join --controller ${agentAddress} --ca-fingerprint ${caFingerprint}`,
            ],
    };
  },
});

interface TokenInput {
  readonly host: string | undefined;
  readonly label: readonly string[];
  readonly role: "viewer" | "operator" | "admin" | undefined;
  readonly name: string | undefined;
  readonly ttl: number | undefined;
}

function requestOf({ host, label, role, name, ttl }: TokenInput): CreateToken {
  const lifetime = ttl === undefined ? {} : { ttlSeconds: ttl };
  if (role === undefined) {
    return { kind: "enrolment", labels: parseLabels(label), ...lifetime, ...(name === undefined ? {} : { name }), ...(host === undefined ? {} : { host }) };
  }
  if (name === undefined) throw new CliError("bad-argument", "an operator token needs a name", "Add --name: the audit shows it as who did what.");
  if (host !== undefined || label.length > 0) throw new CliError("bad-argument", "--host and --label are for enrolment tokens", "Leave out --role, or leave those out.");
  return { kind: "operator", name, role, ...lifetime };
}
