import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { defaultExcludes } from "./excludes-default.ts";
import { verdictOf } from "./excludes-reference.ts";
import { type ExcludeRule, parseExcludes } from "./excludes.ts";
import { UnifyError } from "./unify-error.ts";

const latin1 = (text: string) => Buffer.from(text, "latin1");
const verdict = (lines: readonly string[], path: string) => verdictOf(parseExcludes(lines), latin1(path));

describe("exclude syntax", () => {
  test("signs, blank lines and comments are read as vunify-exclude reads them", () => {
    expect(parseExcludes(["# comment", "", "  /a  ", "-/b", "+/c", "~/d*", "\t#x\r"])).toEqual([
      { pattern: Buffer.from("/a"), verdict: "exclude" },
      { pattern: Buffer.from("/b"), verdict: "exclude" },
      { pattern: Buffer.from("/c"), verdict: "include" },
      { pattern: Buffer.from("/d*"), verdict: "skip" },
    ] satisfies ExcludeRule[]);
  });

  test.each([
    ["etc/passwd", "does not begin with /"],
    ["+", "does not begin with /"],
    ["/a\\", "ends in a backslash"],
    ["/a[bc", "[ without its ]"],
    ["/a[[:alpha:]]", "character class"],
    ["/a\\x00", "NUL"],
    ["/a/", "ends in /"],
    ["/a//b", "empty, . or .."],
    ["/a/../b", "empty, . or .."],
    ["/a/.", "empty, . or .."],
    [`/${"a".repeat(4096)}`, "longer than any path"],
  ])("%s is refused with its line, the reason and a remedy", (line, reason) => {
    const parse = () => parseExcludes(["/fine", "", line], "list.txt");
    expect(parse).toThrow(UnifyError);
    expect(parse).toThrow(/^list\.txt, line 3: /u);
    expect(parse).toThrow(reason);
  });

  test("any text is either read or refused with its line, never anything else", () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.string(), fc.string({ unit: fc.constantFrom("/", "*", "?", "[", "]", "!", "^", "-", "\\", "x", "0", "a", "+", "~", "#", ".", " ") }))), (lines) => {
        let outcome: unknown;
        try {
          outcome = verdictOf(parseExcludes(lines), latin1("/usr/bin/[a]"));
        } catch (error) {
          outcome = error instanceof UnifyError ? error.code : error;
        }
        expect(["include", "exclude", "skip", "bad-exclude-rule"]).toContain(outcome);
      }),
    );
  });

  test("every name can be written so that it matches itself alone", () => {
    const name = fc.array(fc.integer({ min: 1, max: 255 }).filter((byte) => byte !== 0x2f), { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(name, name, (one, other) => {
        fc.pre(!["2e", "2e2e"].includes(Buffer.from(one).toString("hex")));
        const line = `/${one.map((byte) => `\\x${byte.toString(16).padStart(2, "0")}`).join("")}`;
        const path = Buffer.from([0x2f, ...one]);
        const otherPath = Buffer.from([0x2f, ...other]);
        expect(verdictOf(parseExcludes([line]), path)).toBe("exclude");
        expect(verdictOf(parseExcludes([line]), otherPath)).toBe(otherPath.equals(path) ? "exclude" : "include");
      }),
    );
  });
});

describe("matching", () => {
  test.each([
    ["/var", "/var", "exclude"],
    ["/var", "/var/lib", "include"],
    ["/*/ls-R", "/usr/share/ls-R", "exclude"],
    ["/a?c", "/a/c", "exclude"],
    ["/[a-c]x", "/bx", "exclude"],
    ["/[!a-c]x", "/bx", "include"],
    ["/[]]", "/]", "exclude"],
    ["/\\*", "/*", "exclude"],
    ["/\\*", "/a", "include"],
    ["/caf\\xe9", "/caf\xe9", "exclude"],
    ["~/a*b", "/a\nb", "skip"],
  ])("%s on %s: %s", (line, path, expected) => {
    expect(verdict([line], path)).toBe(expected);
  });

  test("the first rule that matches decides", () => {
    expect(verdict(["+/etc/termcap", "/etc/*"], "/etc/termcap")).toBe("include");
    expect(verdict(["/etc/*", "+/etc/termcap"], "/etc/termcap")).toBe("exclude");
  });
});

test.each([
  ["/etc/shadow", "skip"],
  ["/etc/termcap", "include"],
  ["/etc/gconf/schemas", "include"],
  ["/etc/hostname", "exclude"],
  ["/etc", "include"],
  ["/root", "include"],
  ["/root/.ssh/id_ed25519", "skip"],
  ["/root/.ssh/authorized_keys", "exclude"],
  ["/root/.bashrc", "exclude"],
  ["/tmp/x", "skip"],
  ["/var", "exclude"],
  ["/srv", "exclude"],
  ["/.samepage", "exclude"],
  ["/usr/lib/libc.so.6", "include"],
  ["/usr/share/ls-R", "exclude"],
])("by default %s is: %s", (path, expected) => {
  expect(verdict(defaultExcludes, path)).toBe(expected);
});
