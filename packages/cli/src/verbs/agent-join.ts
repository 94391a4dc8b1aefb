import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { text as readAll } from "node:stream/consumers";
import { promisify } from "node:util";
import { agentPlaceOptions } from "../agent/place-options.ts";
import { CliError } from "../cli-error.ts";
import { onlyGiven } from "../only-given.ts";
import { text } from "../option.ts";
import { defineVerb } from "../verb.ts";

const unit = "samepage-agent.service";

export const agentJoin = defineVerb({
  path: "agent join",
  summary: "make this host a member of a fleet and start its agent",
  description: [
    "samepage token create at the controller prints the whole command. The token is read from standard input, or a file: arguments are everybody's to read. It is sent only to a controller that proves to be the one of the fingerprint.",
    "Where the service samepage-agent is installed, it is enabled and started, unless --state-dir or --config name other places than its own. A host that is a member already stays what it is, and the token stays unused.",
  ],
  arguments: {},
  options: {
    ...agentPlaceOptions,
    controller: text("host:port", "the controller", { defaultText: "agent.yaml's" }),
    caFingerprint: text("sha256:hex", "of the controller's authority, as token create prints it"),
    tokenFile: text("file", "file with the enrolment token", { defaultText: "standard input", completes: "file" }),
    name: text("name", "the name to join with", { defaultText: "agent.yaml's, else the host name" }),
  },
  examples: [{ command: "echo spe_… | samepage agent join --controller controller.example.org:7443 --ca-fingerprint sha256:…", meaning: "join, and run from now on and after every boot" }],
  run: async (input, { signal }) => {
    if (input.caFingerprint === undefined) throw new CliError("bad-argument", "a token without --ca-fingerprint would be sent to whoever answers", "Add the fingerprint that samepage token create printed.");
    const { becomeMember, readAgentConfig } = await import("@samepage/agent");
    const config = await readAgentConfig(input.config ?? "/etc/samepage/agent.yaml");
    const token = await readToken(input.tokenFile);
    const enrolment = { token, fingerprint: input.caFingerprint, ...onlyGiven({ controller: input.controller, host: input.name }) };
    const { host, controller } = await becomeMember(config, input.stateDir ?? "/var/lib/samepage", enrolment);
    // The service runs with the default places: a host that lives elsewhere is started by whoever made it.
    const started = input.stateDir === undefined && input.config === undefined && (await startService(signal));
    return {
      json: { host, controller, started },
      human: () => [`${host} is a member of the fleet of ${controller}`, started ? `${unit} is enabled and running` : "start samepage agent run to let it work"],
    };
  },
});

async function readToken(file: string | undefined): Promise<string> {
  const token = file === undefined ? await readAll(process.stdin) : await readFile(file, "utf8").catch((cause: NodeJS.ErrnoException) => {
    throw new CliError("bad-argument", `the token file ${file} cannot be read: ${cause.code ?? cause.message}`, "Write the token into it, mode 0600.", { cause });
  });
  if (token.trim() === "") throw new CliError("bad-argument", "there is no token on standard input", "Pipe in what samepage token create printed, or name a file with --token-file.");
  return token.trim();
}

/** False where systemd does not run or the unit is not installed. */
async function startService(signal: AbortSignal): Promise<boolean> {
  if (!existsSync("/run/systemd/system")) return false;
  const systemctl = async (...words: string[]) => promisify(execFile)("systemctl", words, { signal });
  const { stdout } = await systemctl("list-unit-files", "--no-legend", unit).catch(() => ({ stdout: "" }));
  if (!stdout.includes(unit)) return false;
  await systemctl("enable", "--quiet", unit);
  await systemctl("restart", unit);
  return true;
}
