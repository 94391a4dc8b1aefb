import { runCommandLine } from "./run-command-line.ts";

const stop = new AbortController();
for (const name of ["SIGINT", "SIGTERM"] as const) {
  process.on(name, () => {
    // A second request means now: the first one is taking too long for whoever asked.
    if (stop.signal.aborted) process.exit(name === "SIGINT" ? 130 : 143);
    stop.abort();
  });
}
// A reader that went away (`samepage … | head`) is the end of the work, not an error of it.
process.stdout.on("error", (error: NodeJS.ErrnoException) => process.exit(error.code === "EPIPE" ? 0 : 1));

process.exitCode = await runCommandLine(process.argv.slice(2), {
  stdout: process.stdout,
  stderr: process.stderr,
  environment: process.env,
  signal: stop.signal,
});
// All is done and given back by now. Left to itself Node would take its heap and all that was scanned apart first, which takes longer than a small run.
process.stdout.write("", () => process.stderr.write("", () => process.exit()));
