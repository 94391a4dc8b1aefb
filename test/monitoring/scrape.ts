import { get as httpGet, type IncomingMessage } from "node:http";
import { get as httpsGet } from "node:https";

/** An answer to a GET. */
export interface Answer {
  readonly status: number;
  readonly body: string;
}

/** @param secured the authority and the token of an operator, for a controller */
export async function fetchText(address: string, secured?: { readonly ca: string; readonly token: string }): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  const read = (response: IncomingMessage): void => {
    let body = "";
    response.on("data", (chunk: Buffer) => (body += chunk.toString()));
    response.on("end", () => resolve({ status: response.statusCode ?? 0, body }));
  };
  const asked = secured === undefined ? httpGet(address, read) : httpsGet(address, { ca: secured.ca, headers: { authorization: `Bearer ${secured.token}` } }, read);
  asked.on("error", reject);
  return promise;
}

/** One metric, as a scrape describes it. */
export interface Described {
  readonly name: string;
  readonly type: string;
  readonly help: string;
}

/** What a scrape's HELP and TYPE lines say. */
export function describeMetrics(scrape: string): Described[] {
  return [...scrape.matchAll(/^# HELP (?<name>\S+) (?<help>.*)\n# TYPE \S+ (?<type>\S+)$/gmu)].map(({ groups }) => ({ name: groups?.["name"] ?? "", type: groups?.["type"] ?? "", help: groups?.["help"] ?? "" }));
}

/** The value of a sample, by its name and labels as the scrape writes them. */
export function sample(scrape: string, series: string): number | undefined {
  const line = scrape.split("\n").find((candidate) => candidate.startsWith(`${series} `));
  return line === undefined ? undefined : Number(line.slice(series.length + 1));
}
