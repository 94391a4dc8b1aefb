import { existsSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { runSamepage } from "../run-samepage.test-support.ts";

/** Nothing here switches the host's KSM: what does is tested in package ksm, alone. */
const whyNot = existsSync("/sys/kernel/mm/ksm/run") ? (process.getuid?.() === 0 ? "" : "needs root") : "this kernel has no KSM";

describe.skipIf(whyNot !== "")(`samepage ksm${whyNot && ` (skipped: ${whyNot})`}`, () => {
  it("exec becomes the command: its output, its exit status, its memory mergeable", async () => {
    const ran = await runSamepage(["ksm", "exec", "--", "sh", "-c", "grep merge_any /proc/self/ksm_stat; exit 7"]);
    expect(ran).toEqual({ status: 7, stdout: "ksm_merge_any: yes\n", stderr: "" });
  });

  it("status prints one object with knobs, counters and an account", async () => {
    const { status, stdout } = await runSamepage(["ksm", "status", "--json"]);
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ knobs: {}, counters: {}, foreign: { changes: [] }, ledger: { zramSameFilled: 0 } });
  });

  it.each([
    [["tune", "--set", "pages_to_scan=0"], 2, "samepage: pages_to_scan: 0 is outside 1 to 4294967295. Choose a whole number in this range\n"],
    [["tune", "--set", "warp=9"], 2, "samepage: --set warp=9: not a knob and its value. Write it as in --set pages_to_scan=1000; samepage ksm status --json lists the knobs.\n"],
    [["enroll", "nobody-is-called-this"], 2, "samepage: nobody-is-called-this: no running guest has this name. Name it by pid:N, cgroup:/PATH or its root directory\n"],
    [["deny", "pid:1"], 2, "samepage: pid:1: names processes that run now, not a guest that starts again. Name the container, machine or unit\n"],
    [["sweep", "--allow", "nobody-is-called-this", "--remove"], 2, "samepage: nobody-is-called-this: no running guest has this name. Look the name up with samepage ksm status; nothing was changed\n"],
  ])("bad input to %j: exit %i and one line with cause and remedy", async (words, status, stderr) => {
    expect(await runSamepage(["ksm", ...words])).toEqual({ status, stdout: "", stderr });
  });

  it("deny prints the profile that keeps a guest out", async () => {
    const { status, stdout } = await runSamepage(["ksm", "deny", "samepage-test-absent", "--manager", "lxc"]);
    expect(status).toBe(0);
    expect(stdout).toContain("samepage-test-absent is not running\n");
    expect(stdout).toContain("  prctl errno 1 [0,67,SCMP_CMP_MASKED_EQ,4294967295]\n");
  });
});
