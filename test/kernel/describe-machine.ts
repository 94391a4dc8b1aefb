import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { daemonPath } from "@samepage/guard";
import { debianKernel } from "./debian-kernel.ts";
import { buildInitramfs } from "./initramfs.ts";
import { makeSamepageDisk } from "./samepage-disk.ts";
import { isStaleTranslation } from "./stale-translation.ts";
import { makeSystemdDisk } from "./systemd-disk.ts";
import { type MachineResult, makeDisk, runMachine } from "./virtual-machine.ts";

const build = join(dirname(fileURLToPath(import.meta.url)), "build");
const missing = whatIsMissing();

/** A boot of one kernel and the suites run in it: scripts of vm/, each with the names of the tests it must report as passed. */
interface Machine {
  /** Series of Debian's cloud kernel, e.g. `6.12`. */
  readonly series: string;
  readonly suites: Readonly<Record<string, readonly string[]>>;
  /** File systems beside the first ext4 disk: one disk each, with its module. */
  readonly fileSystems: readonly ("xfs" | "btrfs")[];
  /** With the samepage command on the disk behind the others. */
  readonly hasSamepage?: boolean;
  /** The names of the tests of vm/unit.sh: with them the machine runs systemd at last, on a disk behind all others. */
  readonly unit?: readonly string[];
  /** More words for the kernel command line. */
  readonly parameters?: readonly string[];
  /** See `runMachine`. */
  readonly countsInstructions?: boolean;
  readonly timeoutSeconds: number;
}

/** One boot for all of a machine's suites: booting is what costs. Skips, with the reason, where QEMU or the guard is missing. */
export function describeMachine(title: string, machine: Machine): void {
  describe.skipIf(missing !== undefined)(`${title}${missing === undefined ? "" : ` (skipped: ${missing})`}`, () => {
    const directory = mkdtempSync(join(tmpdir(), "samepage-kernel-"));
    const suites = { ...machine.suites, ...(machine.unit === undefined ? {} : { unit: machine.unit }) };
    const promised = Object.values(suites).flat();
    let result: MachineResult;

    beforeAll(async () => {
      result = await boot(directory, machine);
      if (result.cutShort === undefined || !isStaleTranslation(result.log)) return;
      console.error(`QEMU's fault, so it is booted once more: ${result.cutShort}`);
      result = await boot(mkdtempSync(join(directory, "again-")), machine);
    }, 2 * machine.timeoutSeconds * 1000 + 100_000);

    afterAll(() => {
      if (promised.some((name) => result.tests.get(name)?.ok !== true)) console.error(`the machine's log:\n${result.log}`);
      rmSync(directory, { recursive: true, force: true });
    });

    describe.each(Object.entries(suites))("%s", (_suite, names) => {
      test.for(names)("%s", (name, context) => {
        const report = result.tests.get(name);
        if (report === undefined && result.cutShort !== undefined) context.skip("the machine ended before: one test says how");
        expect(report?.ok, report?.detail ?? "the machine did not report it").toBe(true);
      });
    });

    test("the machine is through with all of them", () => {
      expect(result.cutShort, result.cutShort).toBeUndefined();
    });

    test("the machine reports no failure besides", () => {
      expect([...result.tests].filter(([, { ok }]) => !ok).map(([name]) => name)).toStrictEqual([]);
    });
  });
}

async function boot(directory: string, machine: Machine): Promise<MachineResult> {
  const kernel = debianKernel(machine.series);
  const programs = readdirSync(build).map((name) => join(build, name));
  const disks = [makeDisk(directory, "ext4", 800), ...machine.fileSystems.map((type) => makeDisk(directory, type, 400)), makeDisk(directory, "ext4", 40, ["-O", "quota"]), ...(machine.hasSamepage === true ? [makeSamepageDisk(directory)] : [])];
  const systemd = machine.unit === undefined ? [] : [`systemd=vd${"abcdefgh".charAt(disks.length)}`];
  if (machine.unit !== undefined) disks.push(makeSystemdDisk(directory, programs));
  return runMachine({
    image: kernel.image,
    initramfs: buildInitramfs(directory, kernel, [...programs, daemonPath, join(dirname(daemonPath), "test/samepage-guardd-crash")], machine.fileSystems),
    disks,
    parameters: [...Object.keys(machine.suites).map((suite) => `run=${suite}`), ...systemd, ...(machine.parameters ?? [])],
    logPath: join(directory, "log"),
    countsInstructions: machine.countsInstructions ?? false,
    timeoutSeconds: machine.timeoutSeconds,
  });
}

function whatIsMissing(): string | undefined {
  if (process.arch !== "x64") return "the virtual machine is an x86-64 one";
  if (!existsSync("/usr/bin/qemu-system-x86_64")) return "qemu-system-x86 is not installed";
  if (!existsSync(daemonPath)) return "the guard was not built (clang, bpftool, libbpf-dev)";
  return undefined;
}
