import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { run } from "@samepage/test-support";
import { beforeAll, describe, expect, test } from "vitest";
import { bareSystem } from "./bare-system.ts";
import { openInstallSite } from "./install-site.ts";
import { upgradeScenario } from "./upgrade-scenario.ts";

const root = join(import.meta.dirname, "../..");
const output = join(root, ".cache/packages");
const isThorough = process.env["SAMEPAGE_THOROUGH"] === "1";
const bootSkipReason = existsSync("/usr/bin/systemd-nspawn") ? undefined : "systemd-nspawn is not installed";
const skipReason = process.getuid?.() === 0 ? undefined : "chroot needs root";

/** Where systemd-analyze puts a unit: 0 (nothing left open) to 10. What stays open is said in the units themselves. */
const exposure = { "samepage-controller": 1.5, "samepage-agent": 5, "samepage-guardd": 5.1, "samepage-upgrade": 1.5 } as const;

async function buildPackages(): Promise<readonly string[]> {
  await run(process.execPath, [join(root, "deploy/debian/build-packages.mjs")]);
  const names = await readdir(output);
  return names.toSorted().map((name) => join(output, name));
}

/** What an installation puts anywhere: nothing is said where nothing is. */
const remains = "ls -d /usr/lib/samepage /usr/bin/samepage /usr/share/samepage /etc/samepage /var/lib/samepage 2>/dev/null || true";

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

  test("beside the command its native helpers are installed, and no program of a test", async () => {
    const library = packages.find((path) => path.includes("/samepage_"));
    const listing = await run("dpkg-deb", ["--contents", library ?? ""]);
    const installed = [...listing.matchAll(/ \.\/usr\/lib\/samepage\/build\/(?<name>\S+)$/gmu)].map((match) => match.groups?.["name"]);
    expect(new Set(installed)).toEqual(new Set(["ksm-deny", "ksm-exec", "ksm-inject", "ksm-sample", "ksm-unmerge", "libksm-preload-madvise.so", "libksm-preload.so", "linux.node", "samepage-guardd"]));
  });

  test("on a system without Node the agent installs, works, upgrades in place and leaves nothing when purged", async () => {
    await using system = await bareSystem(packages.filter((file) => file.endsWith(".deb")));
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
    expect(await system.sh(remains)).toBe("");
  });

  test("one command installs the agent on a new host and joins, here and elsewhere than on Debian; it runs no byte that it does not vouch for", { timeout: 300_000 }, async () => {
    await using site = await openInstallSite(output);
    await using system = await bareSystem([], "system");
    const debian = await site.command("web-1");
    const refused = async (command: string, said: RegExp) => {
      expect(await system.sh('sh -c "$0" 2>&1 && echo succeeded || true', command)).toMatch(said);
      expect(await system.sh(`${remains}; ls -A /var/tmp`)).toBe("");
    };
    await refused(debian.replace(/= '[0-9a-f]{64}/u, `= '${"0".repeat(64)}`), /^samepage: no installer, or not the one that this command was made for; nothing was run\n$/u);
    await refused(debian.replace(/https:\/\/[^']+\/install/u, "https://127.0.0.1:1/install"), /^curl: \(7\).*\nsamepage: no installer.*\n$/u);
    // A package that was changed on the controller after the command was made.
    const deb = join(site.releaseDir, (await readdir(site.releaseDir)).find((name) => name.startsWith("samepage-agent_") && name.endsWith(".deb")) ?? "");
    const good = await readFile(deb);
    await writeFile(deb, Buffer.from(good).fill("x", 100, 101));
    await refused(debian, /^samepage: samepage-agent_\S+\.deb is not the file that this command was made for; nothing was installed\n$/u);
    await rm(deb);
    await refused(debian, /samepage: samepage-agent_\S+\.deb cannot be fetched from https:.*; nothing was installed\n$/u);
    expect(await site.hosts()).toEqual([]);
    await writeFile(deb, good);

    const state = "sha256sum /var/lib/samepage/identity.json /etc/samepage/agent.yaml && stat -c %Z /usr/bin/samepage";
    expect(await system.sh(debian)).toContain("web-1 is a member of the fleet");
    expect(await system.sh("dpkg-query -W -f '${db:Status-Abbrev}' samepage-agent")).toBe("ii ");
    const joined = await system.sh(state);
    expect(await system.sh(debian)).toContain("web-1 is a member");
    expect(await system.sh(state)).toBe(joined);
    await system.sh("dpkg --purge samepage-agent samepage");
    expect(await system.sh(remains)).toBe("");

    // The same system without what makes it a Debian.
    await system.sh("mv /var/lib/dpkg/status /var/lib/dpkg/status.away && mv /usr/bin/dpkg /usr/bin/dpkg.away");
    const other = await site.command("web-2");
    expect(await system.sh(other)).toContain("web-2 is a member of the fleet");
    await system.sh("echo '# mine' >> /etc/samepage/agent.yaml");
    const joinedToo = await system.sh(state);
    expect(await system.sh(other)).toContain("web-2 is a member");
    expect(await system.sh(state)).toBe(joinedToo);
    expect(await site.hosts()).toEqual(["web-1", "web-2"]);
    expect(await system.sh("samepage --version && ls /etc/systemd/system/samepage-agent.service")).toMatch(/^\d+\.\d+\.\d+\n/u);
    await system.sh("/usr/share/samepage/remove-tree --purge");
    expect(await system.sh(`${remains}; ls /etc/systemd/system/samepage* 2>/dev/null || true`)).toBe("");
  });

  test.skipIf(bootSkipReason !== undefined)(
    `a rollout upgrades the agent: only to what the release key has signed, never back, and by itself back from a version that does not come back healthy${bootSkipReason === undefined ? "" : ` (skipped: ${bootSkipReason})`}`,
    { timeout: isThorough ? 1_800_000 : 300_000 },
    async () => expect(upgradeScenario(output, isThorough)).resolves.toBeUndefined(),
  );
});

test.each(Object.entries(exposure))("the unit of %s leaves no more open than %d of 10", async (name, limit) => {
  const report = await run("systemd-analyze", ["security", "--offline=true", join(root, `deploy/systemd/${name}.service`)]);
  expect(Number(/Overall exposure level for \S+: (?<level>[\d.]+)/u.exec(report)?.groups?.["level"])).toBeLessThanOrEqual(limit);
});
