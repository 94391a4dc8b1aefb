import { execFile } from "node:child_process";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, onTestFinished, test } from "vitest";
import { flagOf } from "./build-program.ts";
import { commandTable } from "./command-table.ts";
import { referencePage } from "./generate/reference-page.ts";
import { runSamepage, samepage } from "./run-samepage.test-support.ts";

const runFile = promisify(execFile);

async function scratch(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "samepage-cli-"));
  onTestFinished(async () => rm(directory, { recursive: true, force: true }));
  return directory;
}

test.for(commandTable.verbs.map((verb) => [verb.path, verb] as const))("samepage %s --help shows every option and every argument", async ([path, verb]) => {
  const { status, stdout } = await runSamepage([...path.split(" "), "--help"]);
  expect(status).toBe(0);
  for (const key of Object.keys(verb.options)) expect(stdout).toContain(flagOf(key));
  for (const { value } of Object.values(verb.arguments)) expect(stdout).toContain(value);
});

test.for([
  [["docto"], 2, "samepage: unknown command 'docto' (Did you mean doctor?). See --help of this command.\n"],
  [["doctor", "--nope"], 2, "samepage: unknown option '--nope'. See --help of this command.\n"],
  [["completion"], 2, "samepage: missing required argument 'shell'. See --help of this command.\n"],
  [["doctor", "/no/such/dir"], 2, "samepage: /no/such/dir does not exist. Check the spelling; nothing was changed.\n"],
  [["doctor", "/etc/passwd"], 2, "samepage: /etc/passwd is not a directory. Name the root directory of a guest.\n"],
  [["--version"], 0, ""],
  [["man", "--json"], 0, ""],
] as const)("samepage %s ends with %i and just its line of error", async ([words, wanted, line]) => {
  const { status, stderr } = await runSamepage(words);
  expect(status).toBe(wanted);
  expect(stderr).toBe(line);
});

test("with --json an error is one object on standard output as well", async () => {
  const { status, stdout } = await runSamepage(["doctor", "/no/such/dir", "--json"]);
  expect(status).toBe(2);
  expect(JSON.parse(stdout)).toEqual({ error: { code: "not-found", message: "/no/such/dir does not exist", hint: "Check the spelling; nothing was changed." } });
});

test("doctor says for each guard and strategy whether it works, and how to get what is missing", async () => {
  const { status, stdout } = await runSamepage(["doctor", tmpdir(), "--json"]);
  expect(status).toBe(0);
  const { findings }: { findings: { name: string; works: boolean; why: string; remedy: string }[] } = JSON.parse(stdout);
  expect(findings.map(({ name }) => name)).toEqual(expect.arrayContaining(["kernel", "cow", "immutable", "none", "leases", "fanotify", "ksm", "redis", `hardlink in ${tmpdir()}`, `reflink in ${tmpdir()}`]));
  for (const { works, why, remedy } of findings) {
    expect(why).not.toBe("");
    expect(remedy === "").toBe(works);
  }
});

test("docs/reference.md is what the command table says", async () => {
  await expect(referencePage(commandTable)).toMatchFileSnapshot("../../../docs/reference.md");
});

test.for([["bash", "-n"], ["zsh", "-n"], ["fish", "--no-execute"]] as const)("the %s completion is a script that %s can read", async ([shell, check], { skip }) => {
  const installed = await runFile("sh", ["-c", `command -v ${shell}`]).then(() => true, () => false);
  skip(!installed, `${shell} is not installed`);
  const file = join(await scratch(), "completion");
  await writeFile(file, (await runSamepage(["completion", shell])).stdout);
  await expect(runFile(shell, [check, file])).resolves.toMatchObject({ stderr: "" });
});

test("bash completes groups, verbs, flags and their values", async () => {
  const file = join(await scratch(), "completion");
  await writeFile(file, (await runSamepage(["completion", "bash"])).stdout);
  const complete = async (...words: string[]): Promise<string[]> => {
    const script = `source "$0"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _samepage; printf '%s\\n' "\${COMPREPLY[@]}"`;
    const { stdout } = await runFile("bash", ["-c", script, file, "samepage", ...words]);
    return stdout.split("\n").filter((word) => word !== "");
  };
  expect(await complete("do")).toEqual(["doctor"]);
  expect(await complete("doctor", "--j")).toEqual(["--json"]);
  expect(await complete("completion", "")).toEqual(["bash", "zsh", "fish"]);
});

test("every man page is written, and man finds nothing to complain about", async ({ skip }) => {
  const directory = await scratch();
  expect((await runSamepage(["man", "--dir", directory])).status).toBe(0);
  const pages = await readdir(directory);
  expect(pages.sort()).toEqual(["samepage.1", ...commandTable.verbs.map((verb) => `samepage-${verb.path.replaceAll(" ", "-")}.1`)].sort());
  const installed = await runFile("sh", ["-c", "command -v groff"]).then(() => true, () => false);
  skip(!installed, "groff is not installed");
  for (const page of pages) expect((await runFile("groff", ["-man", "-Tutf8", "-ww", "-z", join(directory, page)])).stderr).toBe("");
});

test("no colour where standard output is not a terminal; on one, NO_COLOR is honoured", async () => {
  const escape = "\u{1b}[";
  expect((await runSamepage(["doctor"])).stdout).not.toContain(escape);
  const onTerminal = async (environment: string): Promise<string> => {
    const { stdout } = await runFile("script", ["-qec", `env ${environment} TERM=xterm ${process.execPath} ${samepage} doctor`, "/dev/null"]);
    return stdout;
  };
  expect(await onTerminal("-u NO_COLOR")).toContain(escape);
  expect(await onTerminal("NO_COLOR=1")).not.toContain(escape);
});
