import { createHash } from "node:crypto";

/**
 * The line that an operator copies to a new host. It runs the fetched script only if that has the digest of the one the
 * controller serves, so nothing depends on the connection: the host does not know the controller's authority yet. Token and
 * digest are words of the shell's own echo and test, so neither shows in a list of processes.
 * @param installUrl e.g. `https://controller:7480`
 * @param secret of the enrolment token; letters, digits, `_` and `-`
 * @param host the only name that the token may enrol, where it names one
 */
export function installCommand(installUrl: string, script: string, secret: string, host: string | undefined): string {
  const digest = createHash("sha256").update(script).digest("hex");
  // $(…) takes the newlines off the end; printf puts the one back.
  return `s=$(curl -fsSkg '${installUrl}/install'); if [ "$(printf '%s\\n' "$s" | sha256sum)" = '${digest}  -' ]; then echo ${secret} | sh -c "$s"${host === undefined ? "" : ` samepage ${host}`}; else echo 'samepage: no installer, or not the one that this command was made for; nothing was run' >&2; false; fi`;
}
