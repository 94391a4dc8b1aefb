/**
 * A name as reports show it, reversibly: printable UTF-8 as it is, `\\` for a backslash, `\xHH` for every other byte.
 * @param latin1 the name's bytes, one a character
 */
export function escapeName(latin1: string): string {
  const bytes = Buffer.from(latin1, "latin1");
  const text = bytes.toString();
  // Re-encoding differs exactly where the bytes were not UTF-8.
  if (!Buffer.from(text).equals(bytes)) return latin1.replaceAll(/[^\x20-\x5b\x5d-\x7e]/gu, escapeByte);
  return text.replaceAll(/[\\\p{C}]/gu, (character) => (character === "\\" ? "\\\\" : Array.from(Buffer.from(character), (byte) => escapeByte(String.fromCharCode(byte))).join("")));
}

function escapeByte(character: string): string {
  return character === "\\" ? "\\\\" : `\\x${character.charCodeAt(0).toString(16).padStart(2, "0")}`;
}
