/** A path as reports show it, reversibly: printable UTF-8 as it is, `\\` for a backslash, `\xHH` for every other byte. */
export function escapedPath(path: Buffer): string {
  const text = path.toString();
  // Re-encoding differs exactly where the bytes were not UTF-8.
  if (!Buffer.from(text).equals(path)) return Array.from(path, (byte) => (byte >= 0x20 && byte < 0x7f && byte !== 0x5c ? String.fromCodePoint(byte) : escaped(byte))).join("");
  return text.replaceAll(/[\\\p{C}]/gu, (character) => (character === "\\" ? "\\\\" : Array.from(Buffer.from(character), escaped).join("")));
}

function escaped(byte: number): string {
  return `\\x${byte.toString(16).padStart(2, "0")}`;
}
