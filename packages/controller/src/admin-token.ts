import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { ControllerError } from "./api/controller-error.ts";
import type { TokenStore } from "./stores/token-store.ts";
import { codeOf } from "./thrown.ts";
import { writePrivateFile } from "./write-private-file.ts";

/** The built-in admin's token: made at the first start, kept in `<stateDir>/admin-token` for whoever is root there. */
export async function ensureAdminToken(stateDir: string, tokens: TokenStore): Promise<string> {
  const path = join(stateDir, "admin-token");
  const secret = await readFile(path, "utf8").then(
    (text) => text.trim(),
    (cause: unknown) => {
      if (codeOf(cause) === "ENOENT") return undefined;
      throw new ControllerError("state-dir", `cannot read ${path}`, { target: path, cause });
    },
  );
  const token = secret ?? `spo_${randomBytes(32).toString("base64url")}`;
  if (secret === undefined) await writePrivateFile(path, `${token}\n`);
  // Redis may be a new one: the file is the truth here.
  await tokens.ensureAdmin(token, "admin", Date.now());
  return token;
}
