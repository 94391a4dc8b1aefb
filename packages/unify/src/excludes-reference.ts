import type { ExcludeRule, ExcludeVerdict } from "./excludes.ts";

/**
 * What rules say about a path, written to be read rather than to be fast: the specification that the
 * native matcher is tested against. Whether a directory above the path was left out is the walk's business.
 */
export function verdictOf(rules: readonly ExcludeRule[], path: Buffer): ExcludeVerdict {
  return rules.find((rule) => toRegExp(rule.pattern).test(path.toString("latin1")))?.verdict ?? "include";
}

/** The pattern over latin1 text, in which one character is one byte. */
function toRegExp(pattern: Buffer): RegExp {
  let source = "";
  for (let at = 0; at < pattern.length; at++) {
    const byte = pattern[at];
    if (byte === 0x2a) source += ".*";
    else if (byte === 0x3f) source += ".";
    else if (byte === 0x5c) source += literal(pattern[++at]);
    else if (byte === 0x5b) {
      const set = readSet(pattern, at);
      source += set.source;
      at = set.end;
    } else source += literal(byte);
  }
  // s: a name may hold a line feed. Without u: bytes are not code points.
  // oxlint-disable-next-line require-unicode-regexp
  return new RegExp(`^${source}$`, "s");
}

function readSet(pattern: Buffer, open: number): { source: string; end: number } {
  let at = open + 1;
  const negated = pattern[at] === 0x21 || pattern[at] === 0x5e;
  if (negated) at++;
  const next = () => {
    if (pattern[at] === 0x5c) at++;
    return pattern[at++] ?? 0;
  };
  const ranges: string[] = [];
  do {
    const from = next();
    let to = from;
    if (pattern[at] === 0x2d && pattern[at + 1] !== 0x5d) {
      at++;
      to = next();
    }
    // A range that runs backwards holds nothing, as in fnmatch.
    if (from <= to) ranges.push(`${literal(from)}-${literal(to)}`);
  } while (pattern[at] !== 0x5d);
  if (ranges.length === 0) return { source: negated ? "." : "(?!)", end: at };
  return { source: `[${negated ? "^" : ""}${ranges.join("")}]`, end: at };
}

function literal(byte = 0): string {
  return `\\x${byte.toString(16).padStart(2, "0")}`;
}
