/** A shell-style pattern over a whole name: `*` any text, `?` one character, everything else itself. */
export function namePattern(pattern: string): RegExp {
  const source = pattern.replaceAll(/[.+^${}()|[\]\\/]/gu, String.raw`\$&`).replaceAll("*", ".*").replaceAll("?", ".");
  return new RegExp(`^${source}$`, "su");
}
