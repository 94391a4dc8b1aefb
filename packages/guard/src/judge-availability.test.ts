import { describe, expect, test } from "vitest";
import { type GuardFacts, judgeAvailability } from "./judge-availability.ts";

const debian: GuardFacts = {
  kernelRelease: "6.12.41+deb13-cloud-amd64",
  isRoot: true,
  securityModules: ["lockdown", "capability", "yama", "apparmor", "bpf"],
  hasTypeInformation: true,
  hasDaemon: true,
  ptraceScope: 2,
  probe: { mode: "copy" },
};

describe("whether a host can carry the guard", () => {
  test("copy on write where the programs load and can copy", () => {
    expect(judgeAvailability(debian).mode).toBe("copy");
  });

  test("without bpf among the security modules it says what to add to the kernel command line", () => {
    const verdict = judgeAvailability({ ...debian, securityModules: ["capability", "yama", "apparmor"] });
    expect(verdict).toMatchObject({ mode: "none", hint: "Add to the kernel command line: lsm=yama,apparmor,bpf" });
  });

  test("a kernel that lets nobody trace cannot hold callers: no copy on write, and it says which setting", () => {
    expect(judgeAvailability({ ...debian, ptraceScope: 3 })).toMatchObject({ mode: "none", reason: expect.stringContaining("kernel.yama.ptrace_scope=3"), hint: expect.stringContaining("reboot") });
    expect(judgeAvailability({ ...debian, ptraceScope: undefined }).mode).toBe("copy");
  });

  test("kernels before 6.9 only refuse, and it says so plainly", () => {
    const verdict = judgeAvailability({ ...debian, kernelRelease: "6.1.0-44-amd64", probe: { mode: "deny" } });
    expect(verdict.mode).toBe("deny");
    expect(verdict.reason).toContain("copying needs 6.9");
  });

  test.each([
    ["a kernel before 5.11", { kernelRelease: "5.10.0-30-amd64" }, "too old"],
    ["a kernel without type information", { hasTypeInformation: false }, "BTF"],
    ["a machine without the daemon", { hasDaemon: false }, "not built"],
    ["somebody who is not root", { isRoot: false }, "root"],
    ["a kernel that refuses the programs", { probe: { error: "errno 1" } }, "errno 1"],
  ])("%s is told why not", (_name, facts, words) => {
    const verdict = judgeAvailability({ ...debian, ...facts });
    expect(verdict.mode).toBe("none");
    expect(verdict.reason).toContain(words);
  });
});
