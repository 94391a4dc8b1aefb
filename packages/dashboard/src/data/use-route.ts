import { useEffect, useState } from "preact/hooks";
import { parseRoute } from "./route.ts";

/** The current route; a move to another page also moves the focus, so that a screen reader starts at its heading. */
export function useRoute(): readonly string[] {
  const [hash, setHash] = useState(location.hash);
  useEffect(() => {
    const onChange = () => {
      setHash(location.hash);
      document.querySelector<HTMLElement>("#main")?.focus();
    };
    addEventListener("hashchange", onChange);
    return () => removeEventListener("hashchange", onChange);
  }, []);
  return parseRoute(hash);
}
