import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { run } from "@samepage/test-support";
import { beforeAll, describe, expect, test } from "vitest";
import { bareSystem } from "./bare-system.ts";

const root = join(import.meta.dirname, "../..");
const output = join(root, ".cache/packages");
const skipReason = process.getuid?.() === 0 ? undefined : "chroot needs root";

/** Where systemd-analyze puts a unit: 0 (nothing left open) to 10. What stays open is said in the units themselves. */
const exposure = { "samepage-controller": 1.5, "samepage-agent": 5, "samepage-guardd": 5.1 } as const;

async function buildPackages(): Promise<readonly string[]> {
  await run(process.execPath, [join(root, "deploy/debian/build-packages.mjs")]);
  const names = await readdir(output);
  return names.filter((name) => name.endsWith(".deb")).toSorted().map((name) => join(output, name));
}

const digests = async (files: readonly string[]) => Promise.all(files.map(async (file) => createHash("sha256").update(await readFile(file)).digest("hex")));

describe.skipIf(skipReason !== undefined)(`Debian packages${skipReason === undefined ? "" : ` (skipped: ${skipReason})`}`, () => {
  let packages: readonly string[];
  beforeAll(async () => {
    packages = await buildPackages();
  });

  test("the same commit gives the same bytes", async () => {
    const first = await digests(packages);
    expect(await digests(await buildPackages())).toEqual(first);
  });

  test("on a system without Node the agent installs, works, upgrades in place and leaves nothing when purged", async () => {
    await using system = await bareSystem(packages);
    expect(await system.sh("command -v node || echo none")).toBe("none\n");
    await system.sh("dpkg -i /tmp/samepage_*.deb /tmp/samepage-agent_*.deb");
    expect(await system.sh("samepage --version")).toMatch(/^\d+\.\d+\.\d+\n$/u);
    expect(await system.sh("samepage doctor --json")).toContain('"strategy"');
    await system.sh("cp -a /usr/share/doc /tmp/guest-a && cp -a /usr/share/doc /tmp/guest-b");
    const plan: { files: { eligible: number }; bytes: { reclaimed: number } } = JSON.parse(await system.sh("samepage local plan /tmp/guest-a /tmp/guest-b --strategy hardlink --guard none --json"));
    expect(plan.files.eligible).toBeGreaterThan(0);
    expect(plan.bytes.reclaimed).toBeGreaterThan(0);
    await system.sh("echo '# mine' >> /etc/samepage/agent.yaml && dpkg -i /tmp/samepage_*.deb /tmp/samepage-agent_*.deb");
    expect(await system.sh("tail -n 1 /etc/samepage/agent.yaml")).toBe("# mine\n");
    await system.sh("dpkg --purge samepage-agent samepage");
    expect(await system.sh("ls -d /usr/lib/samepage /usr/bin/samepage /etc/samepage /var/lib/samepage 2>/dev/null || true")).toBe("");
  });
});

test.each(Object.entries(exposure))("the unit of %s leaves no more open than %d of 10", async (name, limit) => {
  const report = await run("systemd-analyze", ["security", "--offline=true", join(root, `deploy/systemd/${name}.service`)]);
  expect(Number(/Overall exposure level for \S+: (?<level>[\d.]+)/u.exec(report)?.groups?.["level"])).toBeLessThanOrEqual(limit);
});
