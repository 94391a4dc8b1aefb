import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { cpus, release, totalmem } from "node:os";

/** Where figures were taken: without it they mean nothing. */
export interface Machine {
  readonly date: string;
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly kernel: string;
  readonly distribution: string;
  readonly ksmtuned: string;
}

export function describeMachine(): Machine {
  return {
    date: new Date().toISOString().slice(0, 10),
    cpu: cpus()[0]?.model ?? "unknown",
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    kernel: release(),
    distribution: /^PRETTY_NAME="(.*)"$/mu.exec(readFileSync("/etc/os-release", "utf8"))?.[1] ?? "unknown",
    ksmtuned: spawnSync("dpkg-query", ["--show", "--showformat", "${Version}", "ksmtuned"], { encoding: "utf8" }).stdout || "not installed",
  };
}
