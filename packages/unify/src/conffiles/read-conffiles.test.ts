import { execFileSync, spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import * as fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { UnifyError } from "../unify-error.ts";
import { readConffiles } from "./read-conffiles.ts";

const scratch = mkdtempSync(join(tmpdir(), "samepage-conffiles-"));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

let guests = 0;
/** A guest with the given files, by path from its root. */
function guest(files: Record<string, string | Buffer>): string {
  const root = join(scratch, `guest-${guests++}`);
  mkdirSync(root);
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), content);
  }
  return root;
}

async function read(root: string): Promise<{ paths: string[]; findings: UnifyError[] }> {
  const findings: UnifyError[] = [];
  const paths = await readConffiles(root, AbortSignal.timeout(30_000), (finding) => findings.push(finding));
  return { paths: [...paths].sort(), findings };
}

const md5 = "d41d8cd98f00b204e9800998ecf8427e";

describe("dpkg", () => {
  test("lists of installed versions and the status file count, obsolete ones too", async () => {
    const root = guest({
      "var/lib/dpkg/info/app.conffiles": "/etc/app.conf\nremove-on-upgrade /etc/app.old\n",
      "var/lib/dpkg/info/app.list": "/etc/not-a-conffile\n",
      "var/lib/dpkg/status": [
        "Package: app",
        "Conffiles:",
        ` /etc/app.conf ${md5}`,
        ` /etc/left over.conf ${md5} obsolete`,
        ` /lib/app/going ${md5} remove-on-upgrade`,
        " /etc/new newconffile",
        "Description: not",
        ` /etc/this-is-text ${md5}`,
        "",
        "Package: other",
        "conffiles:",
        Buffer.from(` /etc/caf\xe9 ${md5}`, "latin1").toString("latin1"),
      ].join("\n"),
    });
    // What is written as latin1 above must stay those bytes on disk.
    writeFileSync(join(root, "var/lib/dpkg/status"), Buffer.from(readFileSync(join(root, "var/lib/dpkg/status"), "utf8"), "latin1"));
    expect(await read(root)).toEqual({
      paths: ["/etc/app.conf", "/etc/app.old", "/etc/caf\xe9", "/etc/left over.conf", "/etc/new", "/lib/app/going", "/usr/lib/app/going"],
      findings: [],
    });
  });

  test("this machine's own database: every conffile dpkg-query names is found", async ({ skip }) => {
    const { status, stdout } = spawnSync("dpkg-query", ["-W", "-f=${Conffiles}\n"], { encoding: "utf8", maxBuffer: 1e8 });
    skip(status !== 0, "needs dpkg");
    const expected = [...stdout.matchAll(/^ (\/.*) (?:[0-9a-f]{32}|newconffile)/gmu)].map(([, path]) => path);
    const { paths, findings } = await read("/");
    expect(findings).toEqual([]);
    expect(paths).toEqual(expect.arrayContaining(expected));
    expect(expected.length).toBeGreaterThan(20);
  });
});

describe("a hostile guest", () => {
  test("links out of it are not followed, whatever component they stand for", async () => {
    const outside = guest({ "var/lib/dpkg/status": `Conffiles:\n /etc/secret ${md5}\n`, "var/lib/dpkg/info/a.conffiles": "/etc/secret\n" });
    const byDirectory = guest({});
    symlinkSync(join(outside, "var"), join(byDirectory, "var"));
    const byFile = guest({ "var/lib/dpkg/info/x": "" });
    symlinkSync(join(outside, "var/lib/dpkg/status"), join(byFile, "var/lib/dpkg/status"));
    symlinkSync("../../../../../../etc/hostname", join(byFile, "var/lib/dpkg/info/a.conffiles"));
    expect(await read(byDirectory)).toEqual({ paths: [], findings: [] });
    expect(await read(byFile)).toEqual({ paths: [], findings: [] });
  });

  test("a FIFO in a database's place neither blocks nor counts", async () => {
    const root = guest({ "var/lib/rpm/x": "", "var/lib/dpkg/x": "" });
    execFileSync("mkfifo", [join(root, "var/lib/dpkg/status"), join(root, "var/lib/rpm/Packages"), join(root, "var/lib/rpm/rpmdb.sqlite")]);
    expect(await read(root)).toEqual({ paths: [], findings: [] });
  });

  test.each(["var/lib/dpkg/status", "var/lib/rpm/Packages", "var/lib/rpm/Packages.db", "var/lib/rpm/rpmdb.sqlite"])("%s made enormous is one finding at once", async (path) => {
    const root = guest({ [path]: "" });
    truncateSync(join(root, path), 2 ** 40);
    const { findings } = await read(root);
    expect(findings.map(({ code }) => code)).toEqual(["package-database-corrupt"]);
    expect(findings[0]?.message).toContain(path.startsWith("var/lib/dpkg") ? "var/lib/dpkg" : path);
  });

  test.each([
    ["a view in the place of the table", "CREATE VIEW Packages AS WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n FROM c) SELECT n AS hnum, x'00' AS blob FROM c"],
    ["a computed column", "CREATE TABLE Packages (hnum INTEGER PRIMARY KEY, blob BLOB AS (zeroblob(900000000)))"],
    ["a trigger", "CREATE TABLE Packages (hnum INTEGER PRIMARY KEY, blob BLOB); CREATE TRIGGER t AFTER INSERT ON Packages BEGIN SELECT 1; END"],
  ])("an SQLite database with %s is refused, not run", async (_, sql) => {
    const root = guest({ "var/lib/rpm/x": "" });
    const database = new DatabaseSync(join(root, "var/lib/rpm/rpmdb.sqlite"));
    database.exec(sql);
    database.close();
    expect((await read(root)).findings.map(({ code }) => code)).toEqual(["package-database-unsupported"]);
  });

  test("an SQLite database whose packages claim to be enormous is one finding", async () => {
    const root = guest({ "var/lib/rpm/x": "" });
    const database = new DatabaseSync(join(root, "var/lib/rpm/rpmdb.sqlite"));
    database.exec("CREATE TABLE Packages (hnum INTEGER PRIMARY KEY, blob BLOB); INSERT INTO Packages VALUES (1, zeroblob(70000000))");
    database.close();
    expect((await read(root)).findings.map(({ code }) => code)).toEqual(["package-database-corrupt"]);
  });
});

const rpmMissing = spawnSync("rpmbuild", ["--version"]).status === 0 ? undefined : "needs rpmbuild (Debian: rpm)";
const loaderMissing = spawnSync("db5.3_load", ["-V"]).status === 0 ? undefined : "needs db5.3_load (Debian: db5.3-util)";

/** Enough that the header does not fit on one page of any database. */
const manyConfigs = Array.from({ length: 400 }, (_, number) => `/etc/demo/conf.d/a-rather-long-name-for-a-file-${number}.conf`);
const configs = ["/etc/demo/main.conf", "/etc/demo/with space.conf", "/opt/demo/settings"];

describe.skipIf(rpmMissing !== undefined)(`rpm${rpmMissing === undefined ? "" : ` (${rpmMissing})`}`, () => {
  const packages: string[] = [];
  let sqlite: Buffer = Buffer.alloc(0);

  beforeAll(() => {
    build("small", configs);
    build("large", manyConfigs);
    sqlite = install();
  });

  /** A real package whose files are configuration, and one file that is not. */
  function build(name: string, files: readonly string[]): void {
    const top = join(scratch, `rpmbuild-${name}`);
    mkdirSync(top);
    const quoted = files.map((file) => `"%{buildroot}${file}"`);
    const spec = [
      `Name: ${name}\nVersion: 1\nRelease: 1\nSummary: s\nLicense: l\nBuildArch: noarch\n%description\nd\n%install`,
      ...quoted.map((file) => `mkdir -p "$(dirname ${file})"; echo x > ${file}`),
      `mkdir -p %{buildroot}/usr/share/${name}; echo x > %{buildroot}/usr/share/${name}/data\n%files\n/usr/share/${name}/data`,
      ...files.map((file, index) => `%config${index % 2 === 0 ? "" : "(noreplace)"} "${file}"`),
    ];
    writeFileSync(join(top, "x.spec"), `${spec.join("\n")}\n`);
    execFileSync("rpmbuild", ["-bb", "--quiet", "--define", `_topdir ${top}`, join(top, "x.spec")], { stdio: "pipe" });
    packages.push(join(top, `RPMS/noarch/${name}-1-1.noarch.rpm`));
  }

  function install(): Buffer {
    const path = join(scratch, "rpmdb");
    mkdirSync(path);
    execFileSync("rpm", ["--dbpath", path, "--initdb"], { stdio: "pipe" });
    execFileSync("rpm", ["--dbpath", path, "-i", "--justdb", "--nodeps", "--noscripts", "--ignoreos", ...packages], { stdio: "pipe" });
    return readFileSync(join(path, "rpmdb.sqlite"));
  }

  function headers(): { number: number; header: Buffer }[] {
    const path = join(scratch, "rpmdb/rpmdb.sqlite");
    const database = new DatabaseSync(path, { readOnly: true });
    const rows = database.prepare("SELECT hnum, hex(blob) AS blob FROM Packages").all();
    database.close();
    return rows.map(({ hnum, blob }) => ({ number: Number(hnum), header: Buffer.from(String(blob), "hex") }));
  }

  /** Debian's rpm is built without ndb; the same headers laid out by hand as rpmpkg.c does: head and slots, blobs of 16-byte blocks, one slot free. */
  function ndb(): Buffer {
    const page = Buffer.alloc(4096);
    for (let slot = 0; slot < page.length; slot += 16) page.write("Slot", slot);
    page.fill(0, 0, 32);
    page.write("RpmP");
    page.writeUInt32LE(1, 12);
    const blobs: Buffer[] = [];
    let block = page.length / 16;
    for (const [index, { number, header }] of headers().entries()) {
      const blocks = Math.ceil((16 + header.length + 12) / 16);
      const blob = Buffer.alloc(blocks * 16);
      blob.write("BlbS");
      blob.writeUInt32LE(number, 4);
      blob.writeUInt32LE(header.length, 12);
      header.copy(blob, 16);
      blob.writeUInt32LE(header.length, blob.length - 8);
      blob.write("BlbE", blob.length - 4);
      // From the third slot on: the second stays free, as after an uninstalled package.
      const slot = 32 + (index + 1) * 16;
      page.writeUInt32LE(number, slot + 4);
      page.writeUInt32LE(block, slot + 8);
      page.writeUInt32LE(blocks, slot + 12);
      block += blocks;
      blobs.push(blob);
    }
    return Buffer.concat([page, ...blobs]);
  }

  /** Nor does it write Berkeley DB any more; the same headers under the same keys, through Berkeley DB's own loader, are what it wrote. */
  function berkeley(order: "1234" | "4321"): Buffer {
    const path = join(scratch, `Packages-${order}`);
    const key = Buffer.alloc(4);
    const lines = headers().flatMap(({ number, header }) => {
      key.writeUInt32LE(number);
      return [` ${key.toString("hex")}`, ` ${header.toString("hex")}`];
    });
    const input = ["VERSION=3", "format=bytevalue", "type=hash", `db_lorder=${order}`, "db_pagesize=4096", "HEADER=END", " 00000000", " 03000000", ...lines, "DATA=END", ""];
    execFileSync("db5.3_load", [path], { input: input.join("\n") });
    return readFileSync(path);
  }

  const expected = [...configs, ...manyConfigs].sort();

  test("the old directory and the new one, SQLite", async () => {
    for (const directory of ["var/lib/rpm", "usr/lib/sysimage/rpm"]) {
      expect(await read(guest({ [`${directory}/rpmdb.sqlite`]: sqlite }))).toEqual({ paths: expected, findings: [] });
    }
  });

  test("SQLite with what it holds still in its write-ahead log, and nothing is written into the guest", async () => {
    const root = guest({ "var/lib/rpm/x": "" });
    const live = join(scratch, "live.sqlite");
    writeFileSync(live, sqlite);
    const database = new DatabaseSync(live);
    database.exec("PRAGMA foreign_keys = OFF; PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0; DELETE FROM Packages WHERE length(blob) > 10000");
    for (const suffix of ["", "-wal"]) copyFileSync(live + suffix, join(root, `var/lib/rpm/rpmdb.sqlite${suffix}`));
    database.close();
    expect(await read(root)).toEqual({ paths: [...configs].sort(), findings: [] });
    expect(execFileSync("ls", [join(root, "var/lib/rpm")], { encoding: "utf8" })).toBe("rpmdb.sqlite\nrpmdb.sqlite-wal\nx\n");
  });

  test("ndb", async () => {
    expect(await read(guest({ "usr/lib/sysimage/rpm/Packages.db": ndb() }))).toEqual({ paths: expected, findings: [] });
  });

  test.for(["1234", "4321"] as const)("Berkeley DB, byte order %s, headers on one page and on chains of pages", async (order, { skip }) => {
    skip(loaderMissing !== undefined, loaderMissing);
    expect(await read(guest({ "var/lib/rpm/Packages": berkeley(order) }))).toEqual({ paths: expected, findings: [] });
  });

  test("one broken database is one finding; the others still count", async () => {
    const root = guest({
      "var/lib/dpkg/info/a.conffiles": "/etc/a\n",
      "var/lib/rpm/Packages": "not a database".repeat(20),
      "usr/lib/sysimage/rpm/Packages.db": ndb(),
    });
    const { paths, findings } = await read(root);
    expect(paths).toEqual(["/etc/a", ...expected].sort());
    expect(findings.map(({ message }) => message)).toEqual([`${root}/var/lib/rpm/Packages: is not a Berkeley DB hash`]);
  });

  test.for(["rpmdb.sqlite", "Packages.db", "Packages"])("%s with any bytes changed or cut off: paths or one finding, in bounded time", async (name, { skip }) => {
    skip(name === "Packages" && loaderMissing !== undefined, loaderMissing);
    const originals: Record<string, () => Buffer> = { "rpmdb.sqlite": () => sqlite, "Packages.db": ndb, Packages: () => berkeley("1234") };
    const original = originals[name]?.() ?? Buffer.alloc(0);
    const root = guest({ [`var/lib/rpm/${name}`]: original });
    const change = fc.record({
      // Structure sits at the start of pages and of the file more often than elsewhere.
      at: fc.oneof(fc.nat(original.length - 1), fc.nat(255), fc.nat(Math.floor(original.length / 4096) - 1).chain((page) => fc.nat(63).map((byte) => page * 4096 + byte))),
      bytes: fc.oneof(fc.uint8Array({ minLength: 1, maxLength: 4 }), fc.constant(new Uint8Array([0xff, 0xff, 0xff, 0xff])), fc.constant(new Uint8Array(4))),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 6 }), fc.option(fc.nat(original.length)), async (changes, cut) => {
        const bytes = Buffer.from(original);
        for (const { at, bytes: replacement } of changes) bytes.set(replacement.subarray(0, bytes.length - at), at);
        writeFileSync(join(root, `var/lib/rpm/${name}`), bytes.subarray(0, cut ?? bytes.length));
        const started = performance.now();
        const { findings } = await read(root);
        expect(findings.length).toBeLessThanOrEqual(1);
        expect(performance.now() - started).toBeLessThan(5000);
      }),
      { numRuns: 150 },
    );
  });
});

test("cancelled, it says so and is gone", async () => {
  const root = guest({ "var/lib/dpkg/info/a.conffiles": "/etc/a\n" });
  await expect(readConffiles(root, AbortSignal.abort(new Error("enough")), () => {})).rejects.toThrow("enough");
});

test("no such guest is one clear line", async () => {
  await expect(read(join(scratch, "nowhere"))).rejects.toThrow(/nowhere: cannot be opened as a directory/u);
});
