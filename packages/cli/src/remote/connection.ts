import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { ApiClient } from "@samepage/controller/api";
import { CliError } from "../cli-error.ts";
import { text } from "../option.ts";
import type { Context } from "../verb.ts";

/** What every verb that talks to a controller takes. */
export const connectionOptions = {
  controller: text("url", "the controller: https://host:port or unix:/path", { defaultText: "$SAMEPAGE_CONTROLLER, else https://127.0.0.1:7480" }),
  tokenFile: text("file", "file with your operator token", { defaultText: "$SAMEPAGE_TOKEN_FILE, else this machine's controller's", completes: "file" }),
  ca: text("file", "the controller's CA certificate (ca.pem)", { defaultText: "$SAMEPAGE_CA, else this machine's controller's", completes: "file" }),
} as const;

interface ConnectionInput {
  readonly controller: string | undefined;
  readonly tokenFile: string | undefined;
  readonly ca: string | undefined;
}

/** Where a controller on this machine keeps its token and CA: that of `samepage up`, then that of `samepage controller run`. */
const localControllerDirectories = ["/var/lib/samepage/controller", "/var/lib/samepage-controller"] as const;

/** A client of the controller that the options, the environment or this machine name. */
export async function connect(input: ConnectionInput, { environment }: Context): Promise<ApiClient> {
  const url = input.controller ?? given(environment["SAMEPAGE_CONTROLLER"]) ?? "https://127.0.0.1:7480";
  const token = await findText("token", input.tokenFile, given(environment["SAMEPAGE_TOKEN_FILE"]), "admin-token");
  const ca = await findText("CA certificate", input.ca, given(environment["SAMEPAGE_CA"]), "ca.pem");
  // Loaded here, so that verbs which need no controller start without it.
  const { createApiClient } = await import("@samepage/controller/api");
  return createApiClient({ url, ...(token === undefined ? {} : { token: token.trim() }), ...(ca === undefined ? {} : { ca }) });
}

function given(value: string | undefined): string | undefined {
  return value === "" ? undefined : value;
}

/** A file that was named must be readable; the ones guessed at may be missing, and the controller then says what it lacks. */
async function findText(what: string, option: string | undefined, variable: string | undefined, localName: string): Promise<string | undefined> {
  const named = option ?? variable;
  if (named !== undefined) {
    return readFile(named, "utf8").catch((cause: NodeJS.ErrnoException) => {
      throw new CliError("bad-argument", `the ${what} file ${named} cannot be read: ${cause.code ?? cause.message}`, "Name a file that exists and that you may read.", { cause });
    });
  }
  for (const directory of localControllerDirectories) {
    const found = await readFile(join(directory, localName), "utf8").catch(() => undefined);
    if (found !== undefined) return found;
  }
  return undefined;
}
