import { ControllerError } from "./api/controller-error.ts";

export interface ListenAddress {
  readonly host: string;
  readonly port: number;
}

/** Reads `host:port`, `[v6]:port`. @throws ControllerError `invalid`. */
export function parseListenAddress(text: string): ListenAddress {
  const match = /^(?:\[(?<v6>[0-9a-fA-F:.]+)\]|(?<host>[^:]+)):(?<port>\d{1,5})$/u.exec(text)?.groups;
  const host = match?.["v6"] ?? match?.["host"];
  const port = Number(match?.["port"]);
  if (host === undefined || port > 65_535) throw new ControllerError("invalid", `not an address to listen on: ${text}`, { hint: "HOST:PORT, e.g. 0.0.0.0:7443", target: text });
  return { host, port };
}
