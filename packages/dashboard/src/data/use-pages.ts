import { useEffect, useState } from "preact/hooks";
import { readPages } from "./read-pages.ts";

/** A long list of the API, growing page by page from when the view opens; `complete` once the last page is there. */
// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- what a path answers is declared where the path is written
export function usePages<T>(token: string, path: string, name: string): { readonly items: readonly T[]; readonly complete: boolean; readonly problem: string } {
  const [result, setResult] = useState<{ readonly items: readonly T[]; readonly complete: boolean; readonly problem: string }>({ items: [], complete: false, problem: "" });
  useEffect(() => {
    const abort = new AbortController();
    const read = async () => {
      const items: T[] = [];
      for await (const page of readPages<T>(token, path, name, abort.signal)) {
        items.push(...page);
        setResult({ items: [...items], complete: false, problem: "" });
      }
      setResult({ items, complete: true, problem: "" });
    };
    read().catch((error: unknown) => {
      if (!abort.signal.aborted) setResult((before) => ({ ...before, problem: error instanceof Error ? error.message : String(error) }));
    });
    return () => abort.abort();
  }, [token, path, name]);
  return result;
}
