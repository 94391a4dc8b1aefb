/** A whole-text match for a pattern in which `*` is any text and `?` any one character; everything else is itself. */
export function globToRegExp(pattern: string): RegExp {
  // Runs of stars become one: `*****x` must not take exponential time on a long name.
  const body = pattern
    .replace(/\*+/gu, "*")
    .replace(/[.+^${}()|[\]\\]/gu, String.raw`\$&`)
    .replace(/\*/gu, ".*")
    .replace(/\?/gu, ".");
  return new RegExp(`^${body}$`, "su");
}
