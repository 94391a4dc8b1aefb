import { requestJson } from "./request.ts";

/** Entries in the first answer: what fits a screen, so that it is there at once. */
const firstPage = 100;
/** Entries in each further one: parsed in some milliseconds, so that no frame waits for it. */
const pageSize = 1000;

/** A list of the API, page by page: rows can be shown before the last has come, and none takes long to parse. */
export async function* readPages<T>(token: string, path: string, name: string, signal: AbortSignal): AsyncGenerator<readonly T[]> {
  for (let after: string | null = ""; after !== null; ) {
    const query = after === "" ? `limit=${firstPage}` : `limit=${pageSize}&after=${encodeURIComponent(after)}`;
    const answer: { readonly [list: string]: readonly T[] } & { readonly next: string | null } = await requestJson(token, `${path}?${query}`, { signal });
    yield answer[name] ?? [];
    after = answer.next;
  }
}
