import type { HostFacts } from "../host-facts.ts";
import { valueOf } from "../host-facts.ts";
import { compareVersions } from "./compare-versions.ts";
import { globToRegExp } from "./glob.ts";
import { parseTerms, type Term } from "./parse-terms.ts";

/** A parsed selector: all its terms must hold. Keep one and use it for many hosts. */
export interface Selector {
  readonly text: string;
  readonly terms: readonly ((host: HostFacts) => boolean)[];
}

/**
 * Reads a selector: terms joined by commas, all of which must hold.
 *
 * | term | holds when |
 * |---|---|
 * | `all` | always; the only way to say every host |
 * | `env=prod`, `env!=prod` | the label or fact is, or is not, that (a host without it is "not") |
 * | `role in (web,db)`, `role notin (web,db)` | it is, or is not, one of those |
 * | `canary`, `!canary` | it is there, or is not |
 * | `name~web-*`, `name!~web-*` | it matches the pattern (`*` any text, `?` one character), or does not |
 * | `kernel>=5.10`, `>`, `<=`, `<` | it compares so as a version, number by number; never for a host without it |
 *
 * Keys are the facts name, kernel, arch, os, zone, and operators' labels. Values with spaces, commas or brackets go in double quotes.
 * @throws FleetError `bad-selector` with the position of the mistake.
 */
export function parseSelector(text: string): Selector {
  return { text, terms: parseTerms(text).map((term) => test(term)) };
}

/** Whether every term of the selector holds for the host. */
export function matchesSelector(selector: Selector, host: HostFacts): boolean {
  return selector.terms.every((holds) => holds(host));
}

function test(term: Term): (host: HostFacts) => boolean {
  switch (term.kind) {
    case "all":
      return () => true;
    case "exists":
      return (host) => (valueOf(host, term.key) !== undefined) !== term.negated;
    case "oneOf": {
      const values = new Set(term.values);
      return (host) => {
        const value = valueOf(host, term.key);
        return (value !== undefined && values.has(value)) !== term.negated;
      };
    }
    case "glob": {
      const pattern = globToRegExp(term.pattern);
      return (host) => {
        const value = valueOf(host, term.key);
        return (value !== undefined && pattern.test(value)) !== term.negated;
      };
    }
    case "version":
      return (host) => {
        const value = valueOf(host, term.key);
        return value !== undefined && HOLDS[term.order](compareVersions(value, term.version));
      };
  }
}

const HOLDS = {
  ">=": (order: number) => order >= 0,
  ">": (order: number) => order > 0,
  "<=": (order: number) => order <= 0,
  "<": (order: number) => order < 0,
} as const;
