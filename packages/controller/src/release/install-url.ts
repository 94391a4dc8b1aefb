import { ControllerError } from "../api/controller-error.ts";

/** An operator's own address for hosts, without a slash at its end; it becomes part of a shell command. @throws ControllerError `invalid`. */
export function checkedInstallUrl(text: string): string {
  const url = text.replace(/\/+$/u, "");
  if (/^https?:\/\/(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?(?:\/[A-Za-z0-9._~/-]*)?$/u.test(url)) return url;
  throw new ControllerError("invalid", `not an address that hosts can fetch from: ${text}`, { hint: "https://HOST:PORT, e.g. https://controller.example.org:7480", target: text });
}

/**
 * Where hosts reach what operators are served, as well as this controller can know: undefined when that is this machine only.
 * @param apiAddress `https://host:port` as listened on, or `unix:/path`
 * @param agentAddress `host:port` that agents are told
 */
export function installUrlOf(apiAddress: string, agentAddress: string): string | undefined {
  const bound = /^https:\/\/(?<host>.+):(?<port>\d+)$/u.exec(apiAddress)?.groups;
  const host = bound?.["host"] ?? "";
  if (host === "" || /^(?:127\.|\[::1\]$|localhost$)/u.test(host)) return undefined;
  return `https://${agentAddress.slice(0, agentAddress.lastIndexOf(":"))}:${bound?.["port"] ?? ""}`;
}
