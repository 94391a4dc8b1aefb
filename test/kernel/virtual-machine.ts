import { execFileSync, spawn } from "node:child_process";
import { createWriteStream, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";

export interface MachineResult {
  /** By name; `detail` is what stood behind `#`. */
  readonly tests: ReadonlyMap<string, { readonly ok: boolean; readonly detail: string }>;
  /** Everything the serial line carried. */
  readonly log: string;
}

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
 * Boots a kernel in QEMU without hardware acceleration (build machines rarely have any) until /init powers off.
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
  // On a busy machine the emulated timer's self-test fails, and the kernel panics.
  const parameters = ["console=ttyS0", "no_timer_check", "panic=-1", "quiet", "loglevel=4", ...options.parameters].join(" ");
  const machine = spawn(
    "nice",
    ["qemu-system-x86_64", ...(options.countsInstructions ? ["-accel", "tcg", "-icount", "shift=0,sleep=off", "-smp", "1"] : ["-accel", "tcg,thread=multi", "-smp", "2"]), "-cpu", "max", "-m", "2048", "-nographic", "-no-reboot", "-nic", "none",
      "-kernel", options.image, "-initrd", options.initramfs, "-append", parameters, ...disks],
    { stdio: ["ignore", "pipe", "inherit"] },
  );
  const timer = setTimeout(() => machine.kill("SIGKILL"), options.timeoutSeconds * 1000);
  const tests = new Map<string, { ok: boolean; detail: string }>();
  const lines: string[] = [];
  const log = createWriteStream(options.logPath);
  const exited = new Promise<void>((resolve, reject) => {
    machine.once("error", reject);
    machine.once("close", () => resolve());
  });
  for await (const raw of createInterface({ input: machine.stdout })) {
    const line = raw.replace(/\r$/, "");
    lines.push(line);
    log.write(`${line}\n`);
    const match = /^(not )?ok (.+?)(?: # (.*))?$/.exec(line);
    if (match?.[2] !== undefined) tests.set(match[2], { ok: match[1] === undefined, detail: match[3] ?? "" });
  }
  await exited;
  clearTimeout(timer);
  log.end();
  return { tests, log: lines.join("\n") };
}
