import { useEffect, useState } from "preact/hooks";
import { requestJson } from "./request.ts";

/** Reads of one resource are at least this far apart while events keep coming. */
const minimumMs = 300;

/** Something of the API, read when the page opens and again whenever `version` changes; a stale answer is dropped. */
// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- what a path answers is declared where the path is written
export function useResource<T>(token: string, path: string, version: number | string = 0): { readonly value: T | null; readonly problem: string } {
  const [result, setResult] = useState<{ readonly path: string; readonly value: T | null; readonly problem: string }>({ path, value: null, problem: "" });
  useEffect(() => {
    const abort = new AbortController();
    const timer = setTimeout(
      () => {
        requestJson<T>(token, path, { signal: abort.signal }).then(
          (value) => setResult({ path, value, problem: "" }),
          (error: unknown) => {
            if (!abort.signal.aborted) setResult((before) => ({ ...before, path, problem: error instanceof Error ? error.message : String(error) }));
          },
        );
      },
      result.value === null ? 0 : minimumMs,
    );
    return () => {
      clearTimeout(timer);
      abort.abort();
    };
  }, [token, path, version]);
  return result.path === path ? result : { value: null, problem: "" };
}
