import { ControllerError } from "../api/controller-error.ts";

/** Where Redis is. */
export type RedisAddress =
  | { readonly kind: "standalone"; readonly url: string }
  | { readonly kind: "socket"; readonly path: string }
  | { readonly kind: "sentinel"; readonly nodes: readonly RedisNode[]; readonly master: string; readonly password: string | undefined }
  | { readonly kind: "cluster"; readonly nodes: readonly RedisNode[]; readonly password: string | undefined };

interface RedisNode {
  readonly host: string;
  readonly port: number;
}

/**
 * Reads `redis://…`, `rediss://…`, `unix:/path`, `redis+sentinel://[:password@]host:port,…/master-name`
 * or `redis+cluster://[:password@]host:port,…`.
 * @throws ControllerError `invalid`.
 */
export function parseRedisAddress(text: string): RedisAddress {
  if (text.startsWith("unix:/")) return { kind: "socket", path: text.slice("unix:".length) };
  if (/^rediss?:\/\/./u.test(text)) return { kind: "standalone", url: text };
  const many = /^redis\+(?<kind>sentinel|cluster):\/\/(?::(?<password>[^@]*)@)?(?<nodes>[^/]+)(?:\/(?<master>[^/]+))?$/u.exec(text)?.groups;
  const nodes = many?.["nodes"]?.split(",").map((node) => parseNode(node, text));
  if (nodes === undefined) throw unreadable(text);
  const password = many?.["password"] === undefined ? undefined : decodeURIComponent(many["password"]);
  if (many?.["kind"] === "cluster") return { kind: "cluster", nodes, password };
  const master = many?.["master"];
  if (master === undefined) throw new ControllerError("invalid", "the Sentinel address names no master", { hint: "redis+sentinel://host:26379/NAME" });
  return { kind: "sentinel", nodes, master, password };
}

function parseNode(text: string, whole: string): RedisNode {
  const colon = text.lastIndexOf(":");
  const port = Number(text.slice(colon + 1));
  if (colon < 1 || !Number.isInteger(port) || port < 1 || port > 65_535) throw unreadable(whole);
  return { host: text.slice(0, colon), port };
}

function unreadable(text: string): ControllerError {
  // The address may hold a password: it is not repeated.
  const hint = "redis://host:6379, rediss://…, unix:/path/to/socket, redis+sentinel://host:26379,…/master or redis+cluster://host:7000,…";
  return new ControllerError("invalid", `not a Redis address (${text.length} characters)`, { hint });
}
