import { spawnSync } from "node:child_process";
import { chmodSync, copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { testTool } from "./guest.test-support.ts";
import { helperPath } from "./helpers.ts";
import { denySnippet, optInSnippet } from "./persist-snippets.ts";

const busybox = ["/bin/busybox", "/usr/bin/busybox"].find((path) => existsSync(path));
const whyNot = ((): string => {
  if (process.getuid?.() !== 0) return "needs root";
  if (!existsSync("/sys/kernel/mm/ksm")) return "this kernel has no KSM";
  if (!existsSync("/usr/bin/lxc-start") || busybox === undefined) return "lxc or busybox-static is not installed";
  return "";
})();

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "samepage-ksm-lxc-"));
});
afterEach(() => {
  rmSync(directory, { recursive: true });
});

/** Starts a container whose init says whether it may merge, before and after trying to opt itself in. */
function runContainer(settings: string): string {
  const root = join(directory, "root");
  for (const name of ["bin", "sbin", "proc", "dev"]) mkdirSync(join(root, name), { recursive: true });
  copyFileSync(busybox ?? "", join(root, "bin/busybox"));
  copyFileSync(helperPath("ksm-exec"), join(root, "bin/try"));
  copyFileSync(testTool("high-exec"), join(root, "bin/high"));
  const ask = "/bin/busybox grep merge_any /proc/self/ksm_stat";
  writeFileSync(join(root, "sbin/init"), `#!/bin/busybox sh\n${ask} > /said\n/bin/try ${ask} >> /said || echo refused >> /said\n/bin/high ${ask} >> /said || echo refused high >> /said\n`);
  chmodSync(join(root, "sbin/init"), 0o755);
  const name = basename(directory);
  mkdirSync(join(directory, name));
  const config = ["lxc.uts.name = t", `lxc.rootfs.path = dir:${root}`, "lxc.net.0.type = none", "lxc.console.path = none", "lxc.mount.auto = proc:rw", "lxc.autodev = 0", settings];
  writeFileSync(join(directory, name, "config"), `${config.join("\n")}\n`);
  const { stderr, status } = spawnSync("lxc-start", ["-F", "-n", name, "-P", directory], { encoding: "utf8", timeout: 60_000 });
  if (status !== 0) throw new Error(stderr);
  return readFileSync(join(root, "said"), "utf8");
}

describe.skipIf(whyNot !== "")(`the LXC settings in a real container${whyNot && ` (skipped: ${whyNot})`}`, () => {
  const host = { systemdVersion: 0, execStart: "" };

  it("opt in everything from its init on", () => {
    const snippet = optInSnippet("lxc", "t", { ...host, helper: helperPath("ksm-exec") });
    const included = join(directory, "opt-in.conf");
    writeFileSync(included, snippet.content);
    expect(runContainer(`lxc.include = ${included}`)).toBe("ksm_merge_any: yes\nksm_merge_any: yes\nksm_merge_any: yes\n");
  });

  it("refuse what tries to opt itself in", () => {
    const profile = join(directory, "deny.seccomp");
    writeFileSync(profile, denySnippet("lxc", "t", { ...host, helper: "" }).content);
    expect(runContainer(`lxc.seccomp.profile = ${profile}`)).toBe("ksm_merge_any: no\nrefused\nrefused high\n");
  });
});
