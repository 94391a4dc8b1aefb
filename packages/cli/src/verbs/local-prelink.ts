import type { PrelinkOfFile } from "@samepage/catalog";
import { CliError } from "../cli-error.ts";
import { printable } from "../terminal/text-width.ts";
import type { Terminal } from "../terminal/terminal.ts";
import type { ArgumentSpec } from "../verb.ts";
import { defineVerb } from "../verb.ts";

const files: ArgumentSpec<readonly string[]> = { value: "file", description: "programs and libraries to look at", arity: "many", completes: "file" };

export const localPrelink = defineVerb({
  path: "local prelink",
  summary: "say whether files were prelinked, and what they were before",
  description: [
    "Reads x86-64 and i386 programs and libraries; executes and changes nothing. The digest is SHA-256, as sha256sum prints it.",
    "The digest before prelinking is computed: believe it when another file or the catalog has it. prelink does not keep everything (bytes behind the section headers, for one), and that cannot be seen in the file.",
  ],
  arguments: { files },
  options: {},
  examples: [{ command: "samepage local prelink /usr/lib/libfoo.so.1", meaning: "was this library prelinked" }],
  run: async ({ files: paths }) => {
    const { prelinkOfFile } = await import("@samepage/catalog");
    const answers = paths.map((path) => answerFor(path, prelinkOfFile));
    return { json: { files: answers }, human: (terminal) => answers.map((answer) => answerLine(answer, terminal)) };
  },
});

function answerFor(path: string, prelinkOfFile: (path: string) => PrelinkOfFile): PrelinkOfFile {
  try {
    return prelinkOfFile(path);
  } catch (error) {
    if (error instanceof Error && error.name === "CatalogError") throw new CliError("bad-argument", error.message, "Name a program or a library.", { cause: error });
    const code = error instanceof Error && "code" in error ? String(error.code) : "";
    if (code === "ENOENT") throw new CliError("not-found", `${path} does not exist`, "Check the spelling; nothing was changed.", { cause: error });
    if (code === "ELOOP") throw new CliError("bad-argument", `${path} is a symbolic link`, "Name the file it points to.", { cause: error });
    throw new CliError("bad-argument", `${path} cannot be read: ${code}`, "Check its permissions, or run as root.", { cause: error });
  }
}

function answerLine({ path, prelinked, moved, originalDigest, reason }: PrelinkOfFile, { style }: Terminal): string {
  const state = prelinked ? style.warn("prelinked") : moved ? style.warn("moved    ") : "plain    ";
  const was = originalDigest === null ? (reason === undefined ? "" : `  ${reason}`) : `  was ${originalDigest}`;
  return `${state}  ${printable(path)}${was}`;
}
