import { execFile } from "node:child_process";

/**
 * Every extended attribute under a root, by path from it (latin1; `.` is the root): attribute name → value in hexadecimal.
 * One run of getfattr(1) for the whole tree; symbolic links are not followed.
 */
export async function readAttributes(root: string): Promise<Map<string, Map<string, string>>> {
  const listing = await new Promise<Buffer>((resolve, reject) => {
    const options = { cwd: root, encoding: "buffer", maxBuffer: 1024 * 1024 * 1024 } as const;
    execFile("getfattr", ["--recursive", "--physical", "--no-dereference", "--dump", "--match=-", "--encoding=hex", "."], options, (error, stdout, stderr) => {
      // Sockets' and device nodes' attributes cannot be asked for on every file system; those it says, and goes on.
      if (error && stderr.length > 0 && !/^(?:getfattr: .*: Operation not (?:supported|permitted)\n)*$/u.test(stderr.toString("latin1"))) {
        reject(new Error(`getfattr in ${root}: ${stderr.toString().trim()}`, { cause: error }));
      } else {
        resolve(stdout);
      }
    });
  });
  const attributes = new Map<string, Map<string, string>>();
  let current = new Map<string, string>();
  for (const line of listing.toString("latin1").split("\n")) {
    if (line.startsWith("# file: ")) {
      current = new Map();
      attributes.set(unquote(line.slice("# file: ".length)), current);
    } else if (line !== "") {
      const equals = line.lastIndexOf("=");
      if (equals === -1) current.set(unquote(line), "");
      else current.set(unquote(line.slice(0, equals)), line.slice(equals + 1));
    }
  }
  return attributes;
}

/** getfattr writes line ends, backslashes and what it will not print as a backslash and three octal digits. */
function unquote(text: string): string {
  const plain = text.replaceAll(/\\([0-7]{3})/gu, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
  return plain.startsWith("./") ? plain.slice(2) : plain;
}
