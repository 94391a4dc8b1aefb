import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { daemonPath } from "@samepage/guard";
import { debianKernel } from "./debian-kernel.ts";
import { buildInitramfs } from "./initramfs.ts";
import { rounds, suites } from "./promises.ts";
import { type MachineResult, makeDisk, runMachine } from "./virtual-machine.ts";

const build = join(dirname(fileURLToPath(import.meta.url)), "build");
const missing = whatIsMissing();

/** One boot for every suite: booting is what costs. */
describe.skipIf(missing !== undefined)(`the copy-on-write guard on Debian's 6.12 kernel${missing === undefined ? "" : ` (skipped: ${missing})`}`, () => {
  const directory = mkdtempSync(join(tmpdir(), "samepage-kernel-"));
  let result: MachineResult;

  beforeAll(async () => {
    const kernel = debianKernel("6.12");
    const programs = readdirSync(build).map((name) => join(build, name));
    result = await runMachine({
      image: kernel.image,
      initramfs: buildInitramfs(directory, kernel, [...programs, daemonPath, `${daemonPath}-crash`]),
      disks: [makeDisk(directory, "ext4", 800), makeDisk(directory, "xfs", 400), makeDisk(directory, "btrfs", 400), makeDisk(directory, "ext4", 40)],
      parameters: [...Object.keys(suites).map((suite) => `run=${suite}`), ...Object.entries(rounds).map(([type, count]) => `rounds_${type}=${count}`)],
      logPath: join(directory, "log"),
      timeoutSeconds: 900,
    });
  }, 1_000_000);

  afterAll(() => {
    const missed = Object.values(suites).flat().filter((name) => result.tests.get(name)?.ok !== true);
    if (missed.length > 0) console.error(`the machine's log:\n${result.log}`);
    rmSync(directory, { recursive: true, force: true });
  });

  describe.each(Object.entries(suites))("%s", (_suite, names) => {
    test.each(names)("%s", (name) => {
      expect(result.tests.get(name) ?? { ok: false, detail: "the machine never got there" }).toMatchObject({ ok: true });
    });
  });

  test("the machine reports no failure besides", () => {
    expect(suitesFailed(result)).toStrictEqual([]);
  });
});

function suitesFailed(result: MachineResult | undefined): string[] {
  return [...(result?.tests ?? [])].filter(([, { ok }]) => !ok).map(([name]) => name);
}

function whatIsMissing(): string | undefined {
  if (process.arch !== "x64") return "the virtual machine is an x86-64 one";
  if (!existsSync("/usr/bin/qemu-system-x86_64")) return "qemu-system-x86 is not installed";
  if (!existsSync(daemonPath)) return "the guard was not built (clang, bpftool, libbpf-dev)";
  return undefined;
}
