import { describe, expect, it } from "vitest";
import { denySnippet, optInSnippet } from "./persist-snippets.ts";
import { ociSeccompRules } from "./seccomp-snippets.ts";

const host = { helper: "/usr/lib/samepage/ksm-exec", systemdVersion: 256, execStart: "/usr/bin/app --flag" };

describe("snippets that hold over restarts", () => {
  it("writes MemoryKSM=yes only for a systemd that it works with", () => {
    expect(optInSnippet("systemd", "app", host)).toMatchObject({ path: "/etc/systemd/system/app.service.d/50-samepage-ksm.conf" });
    expect(optInSnippet("systemd", "app", host).content).toContain("\nMemoryKSM=yes\n");
    // 254 and 255 know the setting and fail to start the unit with it.
    const older = optInSnippet("systemd", "app", { ...host, systemdVersion: 255 }).content;
    expect(older).not.toContain("MemoryKSM");
    expect(older).toContain("\nExecStart=\nExecStart=/usr/lib/samepage/ksm-exec /usr/bin/app --flag\n");
  });

  it("keeps systemd's own marks in front of the command", () => {
    expect(denySnippet("systemd", "app", { ...host, execStart: "-/bin/x" }).content).toContain("ExecStart=-/usr/lib/samepage/ksm-exec /bin/x");
    expect(() => denySnippet("systemd", "app", { ...host, execStart: "@/bin/x name" })).toThrow(expect.objectContaining({ code: "unsupported" }));
  });

  it("denies every way in: the prctl, both advices, and io_uring's", () => {
    const profile = denySnippet("lxc", "web", host).content.split("\n");
    expect(profile.slice(0, 2)).toEqual(["2", "denylist"]);
    expect(profile).toContain("prctl errno 1 [0,67,SCMP_CMP_MASKED_EQ,4294967295]");
    expect(profile).toContain("madvise errno 1 [2,12,SCMP_CMP_MASKED_EQ,4294967295]");
    expect(profile).toContain("process_madvise errno 1 [3,12,SCMP_CMP_MASKED_EQ,4294967295]");
    expect(profile).toContain("io_uring_setup errno 38");
    expect(ociSeccompRules()).toHaveLength(4);
    expect(ociSeccompRules()[0]).toMatchObject({ names: ["prctl"], args: [{ index: 0, value: 0xffff_ffff, valueTwo: 67, op: "SCMP_CMP_MASKED_EQ" }] });
  });
});
