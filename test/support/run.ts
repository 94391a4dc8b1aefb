import { execFile } from "node:child_process";

export interface RunOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Written to the program's standard input, which is closed after it. Default: nothing. */
  readonly input?: string | Buffer;
  readonly signal?: AbortSignal;
}

/** Enough for any listing a test reads; a program that prints more is broken. */
const outputLimit = 256 * 1024 * 1024;

/** The end of what a failed program printed, characters: many say there what was wrong. */
const saidLimit = 2000;

/**
 * Runs a program to its end and gives its standard output back as UTF-8.
 * Rejects with the command and what it said when it exits with anything but 0.
 */
export async function run(program: string, args: readonly string[], options: RunOptions = {}): Promise<string> {
  return new Promise((resolve, reject) => {
    const { input, ...rest } = options;
    const child = execFile(program, args, { ...rest, maxBuffer: outputLimit }, (error, stdout, stderr) => {
      if (error) {
        const said = [stdout.trim().slice(-saidLimit), stderr.trim()].filter((text) => text !== "").join("\n");
        reject(new Error(`${program} ${args.join(" ")}: ${said || error.message}`, { cause: error }));
      } else {
        resolve(stdout);
      }
    });
    // A program may end without reading its input; its exit code says whether that was wrong.
    child.stdin?.on("error", () => {});
    child.stdin?.end(input);
  });
}
