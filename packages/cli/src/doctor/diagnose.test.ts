import { expect, test } from "vitest";
import { diagnose } from "./diagnose.ts";
import type { HostFacts } from "./host-facts.ts";

const debian13: HostFacts = {
  kernelRelease: "6.12.48+deb13-amd64",
  capabilities: 0x1ffffffffffn,
  cowGuard: { mode: "copy", reason: "BPF LSM with file_post_open" },
  leasesEnable: "1",
  hasFanotify: true,
  ksmRun: "0",
  redisVersion: "8.0.2",
  nodeVersion: "24.21.0",
  fileSystems: [{ path: "/srv", mountPoint: "/srv", type: "xfs", isReadOnly: false }],
};
const verdict = (facts: HostFacts, name: string) => diagnose(facts).find((finding) => finding.name === name);

test("a stock Debian 13 host as root can do everything", () => {
  expect(diagnose(debian13).filter(({ works }) => !works)).toEqual([]);
});

test.for([
  ["cow", { cowGuard: { mode: "deny", reason: "Linux 6.1 lacks file_post_open" } }, /file_post_open/u, /backports/u],
  ["cow", { cowGuard: { mode: "none", reason: "the kernel has no BTF", hint: "Use a kernel with it." } }, /BTF/u, /Use a kernel/u],
  ["immutable", { capabilities: 0n }, /CAP_LINUX_IMMUTABLE/u, /root/u],
  ["leases", { leasesEnable: "0" }, /off/u, /sysctl/u],
  ["cachestat", { kernelRelease: "6.1.0-40-amd64" }, /6\.5/u, /6\.5/u],
  ["ksm", { ksmRun: undefined }, /no KSM/u, /CONFIG_KSM/u],
  ["redis", { redisVersion: undefined }, /not installed/u, /apt-get install .*redis-server/u],
  ["redis", { redisVersion: "6.0.16" }, /6\.0\.16/u, /6\.2/u],
  ["reflink in /srv", { fileSystems: [{ path: "/srv", mountPoint: "/", type: "ext4", isReadOnly: false }] }, /ext4/u, /XFS or btrfs/u],
  ["hardlink in /srv", { fileSystems: [{ path: "/srv", mountPoint: "/srv", type: "overlay", isReadOnly: false }] }, /overlay/u, /upper layer/u],
] as const)("without it, %s is missing with its reason and its remedy", ([name, change, why, remedy]) => {
  const found = verdict({ ...debian13, ...change }, name);
  expect(found?.works).toBe(false);
  expect(found?.why).toMatch(why);
  expect(found?.remedy).toMatch(remedy);
});
