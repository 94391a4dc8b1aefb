import { execFileSync, spawn } from "node:child_process";
import { createWriteStream, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";

export interface MachineResult {
  /** By name; `detail` is what stood behind `#`. */
  readonly tests: ReadonlyMap<string, { readonly ok: boolean; readonly detail: string }>;
  /** Everything the serial line carried, and what QEMU said. */
  readonly log: string;
  /** How the machine ended before /init said that it was through, with the last lines of the log; undefined when it said so. */
  readonly cutShort: string | undefined;
}

/** /init's last word: a machine that goes down without it did not do what it was asked. */
const LAST_WORD = "# the machine goes down";
/** A panic or an oops with its stack. */
const LAST_LINES = 60;
/** Between two keys, of which the kernel takes one at a time: for the stacks of blocked tasks on an emulated serial line. */
const SYSRQ_SECONDS = 5;
/** To a serial line on standard input: QEMU's escape for a break, which the kernel takes for SysRq, and a key: everything to the console, blocked tasks, what each CPU does, memory. */
const SYSRQ = ["9", "w", "l", "m"].map((key) => `\u0001b${key}`);

/** Makes an image file with an empty file system in it. Returns its path. `megabytes`: XFS wants 300. `options`: more words for mkfs. */
export function makeDisk(directory: string, type: "ext4" | "xfs" | "btrfs", megabytes: number, options: readonly string[] = []): string {
  const path = join(directory, `${type}-${megabytes}.img`);
  writeFileSync(path, "");
  truncateSync(path, megabytes * 1024 * 1024);
  execFileSync(`mkfs.${type}`, type === "ext4" ? ["-q", "-F", ...options, path] : ["-q", ...options, path], { stdio: ["ignore", "ignore", "inherit"] });
  return path;
}

/** As `makeDisk`, an ext4 one with a directory's content. */
export function makeDiskOf(content: string, megabytes: number): string {
  const path = `${content}.img`;
  execFileSync("mkfs.ext4", ["-q", "-F", "-O", "^has_journal", "-d", content, path, `${megabytes}M`], { stdio: ["ignore", "ignore", "inherit"] });
  return path;
}

/**
 * Boots a kernel in QEMU without hardware acceleration (build machines rarely have any) until /init says that it is through (LAST_WORD) and powers off.
 * Lines `ok NAME # detail` and `not ok NAME # detail` on the serial line are its tests.
 */
export async function runMachine(options: {
  readonly image: string;
  readonly initramfs: string;
  readonly disks: readonly string[];
  /** Words for the kernel command line; /init sees them as well. */
  readonly parameters: readonly string[];
  /** One CPU whose clock advances a nanosecond an instruction, whatever the machine below does: times are counts, and exact. */
  readonly countsInstructions: boolean;
  readonly logPath: string;
  readonly timeoutSeconds: number;
}): Promise<MachineResult> {
  const disks = options.disks.flatMap((path) => ["-drive", `file=${path},format=raw,if=virtio,cache=unsafe`]);
  // On a busy machine the emulated timer's self-test fails, and the kernel panics. A panic, an oops and the headline of a hung task pass this log level.
  // Nor is its time-stamp counter, which is one clock for both CPUs, to be taken for unstable then: the kernel would patch itself at any moment (see isStaleTranslation).
  const parameters = ["console=ttyS0", "no_timer_check", "tsc=reliable", "panic=-1", "loglevel=4", "sysrq_always_enabled", ...options.parameters].join(" ");
  const began = Date.now();
  const machine = spawn(
    "nice",
    ["qemu-system-x86_64", ...(options.countsInstructions ? ["-accel", "tcg", "-icount", "shift=0,sleep=off", "-smp", "1"] : ["-accel", "tcg,thread=multi", "-smp", "2"]), "-cpu", "max", "-m", "2048", "-nographic", "-no-reboot", "-nic", "none",
      "-kernel", options.image, "-initrd", options.initramfs, "-append", parameters, ...disks],
    { stdio: "pipe" },
  );
  let timedOut = false;
  const timer = setTimeout(() => {
    timedOut = true;
    for (const [index, key] of SYSRQ.entries()) setTimeout(() => machine.stdin.write(key), index * SYSRQ_SECONDS * 1000);
    setTimeout(() => machine.kill("SIGKILL"), SYSRQ.length * SYSRQ_SECONDS * 1000);
  }, options.timeoutSeconds * 1000);
  machine.stdin.on("error", () => undefined); // it ended while it was written to: "close" says how
  const tests = new Map<string, { ok: boolean; detail: string }>();
  const lines: string[] = [];
  const log = createWriteStream(options.logPath);
  const write = (line: string): void => {
    lines.push(line);
    log.write(`${line}\n`);
  };
  const exited = new Promise<string>((resolve, reject) => {
    machine.once("error", reject);
    machine.once("close", (code, signal) => resolve(signal === null ? `QEMU ended with status ${code}` : `QEMU was ended by ${signal}`));
  });
  createInterface({ input: machine.stderr }).on("line", (line) => write(`QEMU: ${line}`));
  for await (const raw of createInterface({ input: machine.stdout })) {
    const line = raw.replace(/\r$/, "");
    write(line);
    const match = /^(not )?ok (.+?)(?: # (.*))?$/.exec(line);
    if (match?.[2] !== undefined) tests.set(match[2], { ok: match[1] === undefined, detail: match[3] ?? "" });
  }
  const end = await exited;
  clearTimeout(timer);
  log.end();
  const how = timedOut ? `it was not through after ${options.timeoutSeconds} s` : end; // status 0 is also a panic's
  return {
    tests,
    log: lines.join("\n"),
    cutShort: lines.some((line) => line.includes(LAST_WORD)) ? undefined : `the machine ended before it was through: ${how}, after ${Math.round((Date.now() - began) / 1000)} s; its last lines:\n${lines.slice(-LAST_LINES).join("\n")}`,
  };
}
