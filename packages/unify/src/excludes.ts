import { UnifyError } from "./unify-error.ts";

/**
 * What a rule says about the names it matches. `include`: may be unified. `exclude`: left alone.
 * `skip`: left alone too; kept apart because copying a guest leaves these out (secrets, temporary files)
 * while it copies what is excluded. A directory whose verdict is not `include` is not entered.
 */
export type ExcludeVerdict = "include" | "exclude" | "skip";

/** One line of an exclude list. The first rule that matches a path decides; a path no rule matches is included. */
export interface ExcludeRule {
  /**
   * A glob over the path's bytes from the guest's root, beginning with `/`, as fnmatch(3) with no flags:
   * `*` and `?` match `/` too, `[a-z]` and `[!a-z]` are sets of bytes, a backslash takes the next byte as it is.
   */
  readonly pattern: Buffer;
  readonly verdict: ExcludeVerdict;
}

/** Linux takes no longer path (PATH_MAX), so a longer pattern can only be a mistake. */
const longestPattern = 4096;

const verdicts: Readonly<Record<string, ExcludeVerdict>> = { "+": "include", "-": "exclude", "~": "skip" };

/**
 * Reads exclude rules in the syntax of util-vserver's vunify-exclude: one pattern a line, `+` in front includes,
 * `-` or nothing excludes, `~` skips; blank lines and lines beginning with `#` are comments; space around a line
 * does not count. `\xHH` stands for one byte, so that names that are not UTF-8 can be written.
 * @param lines without their line ends; the first is line 1 in errors
 * @param source the file or option they came from, for errors
 * @throws UnifyError `bad-exclude-rule`, for the first line that cannot be meant
 */
export function parseExcludes(lines: readonly string[], source = "exclude rules"): ExcludeRule[] {
  return lines.flatMap((line, index) => {
    const text = line.trim();
    if (text === "" || text.startsWith("#")) return [];
    const sign = verdicts[text.charAt(0)];
    const pattern = compile(Buffer.from(sign === undefined ? text : text.slice(1)));
    if (typeof pattern === "string") {
      throw new UnifyError(
        "bad-exclude-rule",
        `${source}, line ${index + 1}`,
        `${JSON.stringify(text)} ${pattern}`,
        "Write one pattern a line from the guest's root, e.g. /var or +/etc/termcap or ~/tmp/*.",
      );
    }
    return [{ pattern, verdict: sign ?? "exclude" }];
  });
}

const slash = 0x2f;
const backslash = 0x5c;
const openBracket = 0x5b;
const closeBracket = 0x5d;

/** The pattern with `\xHH` resolved, or what is wrong with it. */
function compile(text: Buffer): Buffer | string {
  if (text[0] !== slash) return "does not begin with /";
  if (text.length > longestPattern) return `is longer than any path (${longestPattern} bytes)`;
  const pattern: number[] = [];
  let bracketFrom: number | undefined;
  for (let at = 0; at < text.length; at++) {
    const byte = text[at] ?? 0;
    if (byte === backslash) {
      if (at + 1 === text.length) return "ends in a backslash";
      const hex = /^x([0-9a-fA-F]{2})/u.exec(text.toString("latin1", at + 1, at + 4))?.[1];
      const quoted = hex === undefined ? text[at + 1] : Number.parseInt(hex, 16);
      if (quoted === 0) return "holds a NUL byte, which no path can";
      pattern.push(backslash, quoted ?? 0);
      at += hex === undefined ? 1 : 3;
      continue;
    }
    if (byte === 0) return "holds a NUL byte, which no path can";
    if (bracketFrom === undefined) {
      if (byte === openBracket) bracketFrom = at;
    } else if (byte === openBracket && /^[:.=]/u.test(text.toString("latin1", at + 1, at + 2))) {
      // fnmatch's [:alpha:] and its like mean different bytes in different locales.
      return "holds a character class; write the bytes out, as in [a-z]";
    } else if (byte === closeBracket && !isSetStart(text, bracketFrom, at)) {
      bracketFrom = undefined;
    }
    pattern.push(byte);
  }
  if (bracketFrom !== undefined) return "has a [ without its ]";
  const compiled = Buffer.from(pattern);
  if (compiled.length > 1 && compiled.at(-1) === slash) {
    return "ends in /, as no path does (/dir leaves out a directory, /dir/* what is in it)";
  }
  if (/\/(?:\/|\.\.?(?:\/|$))/u.test(compiled.toString("latin1"))) return "holds an empty, . or .. name, as no path does";
  return compiled;
}

/** A `]` that comes first in its set, after `[` or `[!`, is a member and does not close it. */
function isSetStart(text: Buffer, from: number, at: number): boolean {
  const negated = text[from + 1] === 0x21 || text[from + 1] === 0x5e;
  return at === from + (negated ? 2 : 1);
}
