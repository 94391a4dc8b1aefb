import { generateKeyPairSync } from "node:crypto";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { buildSystem } from "@samepage/test-corpus";
import { run, temporaryDirectory } from "@samepage/test-support";
import { expect } from "vitest";
import { type BootedMachine, bootMachine } from "./booted-machine.ts";
import { type Behaviour, makeRelease } from "./make-release.ts";
import { openNetwork } from "./open-network.ts";

/** What became of the one host in a rollout. */
interface Ended {
  readonly state: string;
  readonly reason: string;
}

/** Seconds that a version has to come back: half the default, and enough for a busy machine. */
const trialSeconds = 60;

/**
 * One machine that is controller and host at once takes versions by rollout: a good one; ones that are tampered with, signed by
 * another, old; one that crashes. Thoroughly also one that never connects, the way back, and the power cut at any moment.
 * @param packages a release as `npm run package` makes it
 */
export async function upgradeScenario(packages: string, isThorough: boolean): Promise<void> {
  await using directory = await temporaryDirectory("samepage-upgrade-");
  const [system, release, tree] = [join(directory.path, "system"), join(directory.path, "release"), join(directory.path, "tree")] as const;
  await buildSystem("system", system);
  for (const path of [release, tree]) await mkdir(path);
  const archive = (await readdir(packages)).find((name) => name.endsWith(".tar.gz")) ?? "";
  await run("tar", ["-xzf", join(packages, archive), "-C", tree]);
  await using network = await openNetwork();
  const binds = [`${release}:/var/lib/samepage-release`, `${packages}:/mnt`];
  const boot = async () => bootMachine({ name: "host", base: system, directory: join(directory.path, "machine"), network: network.path, binds, names: ["host"], masked: [] });
  let machine: BootedMachine = await boot();
  try {
    const [good, other] = [generateKeyPairSync("ed25519"), generateKeyPairSync("ed25519")];
    await machine.sh(`echo SAMEPAGE_UPGRADE_SECONDS=${trialSeconds} > /etc/default/samepage-agent && dpkg --install /mnt/*.deb`);
    // As the documentation has it: what Debian's Redis keeps by default may be a minute old, and the power is cut below.
    await machine.sh("redis-cli config set appendonly yes && redis-cli config rewrite");
    await writeFile(join(release, "release-key.pem"), good.publicKey.export({ type: "spki", format: "pem" }));
    await machine.sh("cp /var/lib/samepage-release/release-key.pem /etc/samepage/");
    const { secret, caFingerprint }: { secret: string; caFingerprint: string } = JSON.parse(await machine.sh("samepage token create --json"));
    await machine.sh(`echo ${secret} | samepage agent join --controller host:7443 --ca-fingerprint ${caFingerprint}`);

    const make = async (version: string, behaviour: Behaviour = "good", key = good.privateKey) => makeRelease(release, tree, version, behaviour, key);
    const watch = async (id: string): Promise<Ended> => {
      const { waves }: { waves: readonly { hosts: readonly Ended[] }[] } = JSON.parse(await machine.sh(`samepage rollout watch ${id} --json || true`));
      return waves[0]?.hosts[0] ?? { state: "", reason: "" };
    };
    const start = async (to = ""): Promise<string> => {
      const { id }: { id: string } = JSON.parse(await machine.sh(`samepage rollout create upgrade ${to} --offline wait --json`));
      return id;
    };
    const upgrade = async (to = ""): Promise<Ended> => watch(await start(to));
    const isOnline = async () => (await machine.sh("samepage host ls")).includes("online");
    /** Of the agent that the controller sees, of the command, and nothing left undecided. */
    const expectVersion = async (version: string) => {
      await expect.poll(async () => (await isOnline()) && (await machine.sh("samepage host show host --json")), { timeout: 60_000 }).toContain(`"agentVersion":"${version}"`);
      expect(await machine.sh("samepage --version")).toBe(`${version}\n`);
      expect(await machine.sh("ls /var/lib/samepage/upgrade/order 2>/dev/null || true")).toBe("");
    };
    await expect.poll(isOnline, { timeout: 60_000 }).toBe(true);

    await make("0.2.0");
    expect(await upgrade()).toMatchObject({ state: "succeeded", reason: "" });
    await expectVersion("0.2.0");

    await make("0.3.0");
    const fetched = (await readdir(release)).find((name) => name.includes("0.3.0")) ?? "";
    const content = await readFile(join(release, fetched));
    await writeFile(join(release, fetched), Buffer.from(content).fill("x", 1000, 1001));
    expect(await upgrade()).toMatchObject({ state: "failed", reason: expect.stringContaining("is not the file that was signed") });
    await make("0.3.0", "good", other.privateKey);
    expect(await upgrade()).toMatchObject({ state: "failed", reason: expect.stringContaining("not signed by the key that this host has pinned") });
    await make("0.1.9");
    expect(await upgrade()).toMatchObject({ state: "failed", reason: expect.stringContaining("0.1.9 is older than 0.2.0") });
    await expectVersion("0.2.0");

    await make("0.4.0", "crashes");
    expect(await upgrade()).toMatchObject({ state: "failed", reason: expect.stringMatching(/0\.4\.0 did not come back healthy \(it ended \d times in a row\); 0\.2\.0 runs again/u) });
    await expectVersion("0.2.0");
    if (!isThorough) return;

    await make("0.5.0", "never-connects");
    expect(await upgrade()).toMatchObject({ state: "failed", reason: expect.stringContaining("no controller has welcomed it within") });
    await expectVersion("0.2.0");
    // On purpose, to the version that ran before, which the package has brought; and forward again.
    expect(await upgrade("--to 0.1.0")).toMatchObject({ state: "succeeded", reason: "" });
    await expectVersion("0.1.0");
    expect(await upgrade("--to 0.2.0")).toMatchObject({ state: "succeeded", reason: "" });
    await expectVersion("0.2.0");
    // Power cuts, from before the first byte is fetched until after the outcome. One of both versions runs then, whole.
    for (let cut = 0; cut < 12; cut++) {
      const version = `0.6.${cut}`;
      await make(version, cut % 4 === 3 ? "crashes" : "good");
      const before = (await machine.sh("samepage --version")).trim();
      const id = await start();
      await sleep(cut * 400);
      await machine[Symbol.asyncDispose]();
      machine = await boot();
      await expect.poll(async () => machine.sh("ls /var/lib/samepage/upgrade/order 2>/dev/null || true"), { timeout: 120_000 }).toBe("");
      const now = (await machine.sh("samepage --version")).trim();
      expect([before, version]).toContain(now);
      if (cut % 4 === 3) expect(now).toBe(before);
      await expectVersion(now);
      // A rollout that was cut off gives the host its turn again, and ends as it would have.
      const ended = await watch(id);
      expect(["succeeded", "failed"]).toContain(ended.state);
      await expectVersion((await machine.sh("samepage --version")).trim());
      if (ended.state === "succeeded") expect((await machine.sh("samepage --version")).trim()).toBe(version);
    }
  } catch (cause) {
    const journal = await machine.sh("journalctl --no-pager --lines 60 --output cat --unit samepage-agent --unit samepage-upgrade; ls -l /usr/lib/samepage /var/lib/samepage/upgrade").catch(String);
    throw new Error(`${cause instanceof Error ? cause.message : String(cause)}\n${journal}`, { cause });
  } finally {
    await machine[Symbol.asyncDispose]();
  }
}
