import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { directories } from "./directories.ts";
import { discoverAllGuests, discoverGuests } from "./discover-guests.ts";
import type { DiscoveryContext, FoundGuest, GuestProvider } from "./guest-provider.ts";
import { incus } from "./incus.ts";
import { lxc } from "./lxc.ts";
import { nspawn } from "./nspawn.ts";
import { openvz } from "./openvz.ts";
import { vserver } from "./vserver.ts";

/** How each provider lays out a guest; every one must then hold the same promises. */
interface Layout {
  readonly provider: GuestProvider;
  /** Where the containers of this kind lie. */
  readonly base: string;
  /** The guest's root below its own directory; "" where that is the root itself. */
  readonly inner: string;
  readonly name: (guest: string) => string;
  /** The state of a guest that nothing says runs. */
  readonly idle: FoundGuest["state"];
  /** Files that say "it runs"; undefined where only a process can. */
  readonly running?: (guest: string) => { readonly path: string; readonly content: string };
}

const layouts: Layout[] = [
  {
    provider: lxc,
    base: "/var/lib/lxc",
    inner: "/rootfs",
    name: (guest) => `lxc/${guest}`,
    idle: "stopped",
    running: (guest) => ({ path: "/proc/net/unix", content: `Num RefCount\n0000: 00000002 00000000 00010000 0001 01 4242 @/var/lib/lxc/${guest}/command\n` }),
  },
  {
    provider: incus,
    base: "/var/lib/incus/storage-pools/default/containers",
    inner: "/rootfs",
    name: (guest) => `incus/default/${guest}`,
    idle: "stopped",
    running: (guest) => ({ path: "/proc/net/unix", content: `0000: 00000002 00000000 00010000 0001 01 4242 @/var/lib/incus/containers/${guest}/command\n` }),
  },
  { provider: nspawn, base: "/var/lib/machines", inner: "", name: (guest) => `nspawn/${guest}`, idle: "stopped", running: (guest) => ({ path: `/run/systemd/machines/${guest}`, content: "NAME=x\n" }) },
  { provider: openvz, base: "/vz/private", inner: "", name: (guest) => `openvz/${guest}`, idle: "unknown", running: (guest) => ({ path: "/proc/vz/veinfo", content: `  ${guest}  0  12  10.0.0.1\n` }) },
  { provider: vserver, base: "/vservers", inner: "", name: (guest) => `vserver/${guest}`, idle: "unknown", running: (guest) => ({ path: `/var/run/vservers/${guest}`, content: "" }) },
  { provider: directories(["/srv/guests/*"]), base: "/srv/guests", inner: "", name: (guest) => `dir/srv/guests/${guest}`, idle: "unknown" },
];

describe.each(layouts)("$provider.name", ({ provider, base, inner, name, idle, running }) => {
  let root: string;
  const skipped: string[] = [];
  const context = (isProcessRoot: DiscoveryContext["isProcessRoot"] = async () => false): DiscoveryContext => ({ root, isProcessRoot, skipped: (path) => skipped.push(path) });
  const addGuest = async (guest: string) => {
    const path = join(root, base, guest, inner);
    await mkdir(path, { recursive: true });
    return path;
  };

  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), "samepage-discovery-"));
    skipped.length = 0;
  });
  afterEach(async () => rm(root, { recursive: true, force: true }));

  test("finds nothing, and does not mind, where it is not installed", async () => {
    expect(await provider.discover(context())).toEqual([]);
  });

  test("finds every guest with its root, and claims no state that it cannot know", async () => {
    const paths = [await addGuest("101"), await addGuest("web-1")];
    expect(await provider.discover(context())).toEqual(["101", "web-1"].map((guest, index) => ({ name: name(guest), provider: provider.name, path: paths[index], state: idle })));
  });

  if (running !== undefined) {
    test("knows a running guest by what its manager leaves on the host", async () => {
      await addGuest("101");
      await addGuest("web-1");
      const sign = running("web-1");
      await mkdir(dirname(join(root, sign.path)), { recursive: true });
      await writeFile(join(root, sign.path), sign.content);
      const states = new Map((await provider.discover(context())).map((guest) => [guest.name, guest.state]));
      expect(states.get(name("web-1"))).toBe("running");
      expect(states.get(name("101"))).not.toBe("running");
    });
  }

  test("knows a running guest by a process that has it as its root, whatever its manager says", async () => {
    const path = await addGuest("web-1");
    const [guest] = await provider.discover(context(async (asked) => asked === path));
    expect(guest?.state).toBe("running");
  });

  test("follows no symbolic link, neither for a guest nor for its root", async () => {
    const outside = await mkdtemp(join(tmpdir(), "samepage-outside-"));
    try {
      await mkdir(join(outside, inner), { recursive: true });
      await mkdir(join(root, base), { recursive: true });
      await symlink(outside, join(root, base, "linked"));
      if (inner !== "") {
        await mkdir(join(root, base, "half"), { recursive: true });
        await symlink(outside, join(root, base, "half", inner));
      }
      expect(await provider.discover(context())).toEqual([]);
    } finally {
      await rm(outside, { recursive: true, force: true });
    }
  });

  test("leaves plain files and names that are not UTF-8 alone", async () => {
    await addGuest("web-1");
    await writeFile(join(root, base, "notes.txt"), "");
    await mkdir(Buffer.concat([Buffer.from(join(root, base, "bad-")), Buffer.from([0xff])]));
    expect((await provider.discover(context())).map((guest) => guest.name)).toEqual([name("web-1")]);
    expect(skipped).toHaveLength(1);
  });
});

describe("lxc's config", () => {
  let root: string;
  const discover = async () => lxc.discover({ root, isProcessRoot: async () => false, skipped: () => {} });
  const addContainer = async (config: string) => {
    await mkdir(join(root, "/var/lib/lxc/c/rootfs"), { recursive: true });
    await writeFile(join(root, "/var/lib/lxc/c/config"), config);
  };
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), "samepage-lxc-"));
  });
  afterEach(async () => rm(root, { recursive: true, force: true }));

  test.each(["lxc.rootfs.path = dir:/srv/c", "lxc.rootfs = /srv/c", "lxc.rootfs.path = /elsewhere\nlxc.rootfs.path=/srv/c\n"])("names another root: %j", async (config) => {
    await mkdir(join(root, "/srv/c"), { recursive: true });
    await addContainer(config);
    expect((await discover()).map(({ path }) => path)).toEqual([join(root, "/srv/c")]);
  });

  test.each(["lxc.rootfs.path = overlay:/a:/b", "lxc.rootfs.path = zfs:pool/c"])("has a root that is mounted only while it runs: memory to merge, nothing to unify: %j", async (config) => {
    await addContainer(config);
    expect(await discover()).toMatchObject([{ name: "lxc/c", memoryOnly: expect.stringContaining("no plain directory") }]);
    const settings = { providers: ["lxc"], directories: [], exclude: [], domains: [] } as const;
    const skipped: string[] = [];
    expect(await discoverGuests(settings, root, (path) => skipped.push(path), "/var/lib/samepage")).toEqual([]);
    expect(skipped).toEqual([join(root, "/var/lib/lxc/c")]);
    expect(await discoverAllGuests(settings, root, () => {})).toMatchObject([{ name: "lxc/c", domain: "default" }]);
    expect(await discoverAllGuests({ ...settings, exclude: ["lxc/c"] }, root, () => {})).toEqual([]);
  });

  test("names a root that is not there", async () => {
    await addContainer("lxc.rootfs.path = /not-there");
    expect(await discover()).toEqual([]);
  });

  test("cannot lead out of the host's tree", async () => {
    await mkdir(join(root, "/srv"), { recursive: true });
    await symlink("/usr", join(root, "/srv/out"));
    await addContainer("lxc.rootfs.path = /srv/out");
    expect(await discover()).toEqual([]);
  });
});

test("a ploop container of OpenVZ is left out, one with the new layout is found by its tree", async () => {
  const root = await mkdtemp(join(tmpdir(), "samepage-vz-"));
  try {
    await mkdir(join(root, "/vz/private/1/root.hdd"), { recursive: true });
    await mkdir(join(root, "/vz/private/2/fs/etc"), { recursive: true });
    const found = await openvz.discover({ root, isProcessRoot: async () => false, skipped: () => {} });
    expect(found.map(({ path }) => path)).toEqual([join(root, "/vz/private/2/fs")]);
  } finally {
    await rm(root, { recursive: true, force: true });
  }
});
