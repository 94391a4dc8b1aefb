import { mkdirSync, utimesSync, writeFileSync } from "node:fs";
import { appendFile, copyFile, link, mkdir, rename, rm, stat, truncate, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { loopFsSkipReason, loopFsTypes, withLoopFs } from "@samepage/test-support";
import { describe, expect, test } from "vitest";
import { GuestMemory, planUnify, unify, type UnifyOptions, type UnifyReport } from "./index.ts";

/** Two guests of `directories` × `files` files that are equal in pairs. */
function plant(mount: string, directories: number, files: number): string[] {
  const guests = [join(mount, "one"), join(mount, "two")];
  for (const guest of guests) {
    for (let directory = 0; directory < directories; directory++) {
      const path = join(guest, "usr", `${directory}`);
      mkdirSync(path, { recursive: true });
      for (let file = 0; file < files; file++) {
        const name = join(path, `${file}`);
        writeFileSync(name, `file ${file} of directory ${directory}, long enough to be shared`);
        utimesSync(name, 1_700_000_000, 1_700_000_000);
      }
    }
  }
  return guests;
}

const optionsFor = (mount: string, guests: readonly string[], memory?: GuestMemory): UnifyOptions => ({
  guests: guests.map((path) => ({ name: path, path, domain: "default", state: "stopped" })),
  strategy: "hardlink",
  guard: "none",
  stateDir: join(mount, "state"),
  ...(memory === undefined ? {} : { memory }),
});

/** What a report says of files, without what depends on how it was found. */
const answer = ({ files, guests, failures, fileSystems }: UnifyReport) => ({ files: { ...files, visited: 0 }, guests, failures, fileSystems });

describe.each(loopFsTypes)("a resident process on %s", (type) => {
  const reason = loopFsSkipReason(type);

  test.skipIf(reason !== undefined)("looks at what changed only, and plans what a walk would", async () => {
    await withLoopFs(type, 64, async ({ mount }) => {
      const guests = plant(mount, 12, 10);
      using memory = new GuestMemory();
      const options = optionsFor(mount, guests, memory);
      const [one = "", two = ""] = guests;
      /** A pass of the resident process; planned the same by one that walks. */
      const pass = async () => {
        using resident = await planUnify(options);
        using walked = await planUnify(optionsFor(mount, guests));
        expect(answer(resident.report)).toStrictEqual(answer(walked.report));
        return { visited: resident.report.files.visited, unified: resident.report.files.unified };
      };
      expect((await unify(options)).files).toMatchObject({ visited: 240, unified: 120 });
      // The pool is there now, which is another root: once more in full. Then never again.
      expect(await pass()).toStrictEqual({ visited: 360, unified: 0 });
      expect(await pass()).toStrictEqual({ visited: 0, unified: 0 });
      expect((await unify(options)).files.visited).toBe(0);

      // A link broken as a guard does: its directory, and where the other names of the inode are. Unified again.
      await copyFile(join(one, "usr/3/7"), join(one, "usr/3/new"));
      await utimes(join(one, "usr/3/new"), 1_700_000_000, 1_700_000_000);
      await rename(join(one, "usr/3/new"), join(one, "usr/3/7"));
      const broken = await unify(options);
      expect(broken.files.unified).toBe(1);
      expect(broken.files.visited).toBeGreaterThanOrEqual(21);
      expect(broken.files.visited).toBeLessThan(40);
      expect((await stat(join(one, "usr/3/7"))).ino).toBe((await stat(join(two, "usr/3/7"))).ino);
      expect((await pass()).visited).toBeLessThan(60);
      expect(await pass()).toStrictEqual({ visited: 0, unified: 0 });

      // Everything else that guests do.
      await mkdir(join(one, "usr/new/deep"), { recursive: true });
      await writeFile(join(one, "usr/new/deep/file"), "a file in a new directory");
      await rename(join(one, "usr/4"), join(one, "usr/moved"));
      await rm(join(two, "usr/5"), { recursive: true });
      await rename(join(two, "usr/6"), join(two, "usr/was-6"));
      await rename(join(two, "usr/7"), join(two, "usr/6"));
      await appendFile(join(two, "usr/8/1"), "written by all of its names");
      await truncate(join(one, "usr/9/2"), 20);
      await link(join(one, "usr/10/3"), join(two, "usr/10/another"));
      await link(join(one, "usr/10/4"), join(mount, "outside"));
      await rm(join(two, "usr/11/5"));
      expect((await pass()).visited).toBeLessThan(200);
      await writeFile(join(two, "usr/new-too"), "equal");
      await writeFile(join(one, "usr/new-too"), "equal");
      await pass();
      await unify(options);
      await pass();
      expect((await pass()).visited).toBe(0);
    });
  });
});

const ext4 = loopFsSkipReason("ext4");

/** Files in the smaller and in the larger guests; published figures are of 5,000 and 50,000. */
const sizes = process.env["SAMEPAGE_THOROUGH"] === "1" ? [5000, 50_000] : [200, 2000];

test.skipIf(ext4 !== undefined)("with nothing changed a pass costs the same whatever the size of the guests: no name is looked at", async () => {
  const idle = async (files: number) =>
    withLoopFs("ext4", 400, async ({ mount }) => {
      const guests = plant(mount, files / 200, 100);
      using memory = new GuestMemory();
      const options = optionsFor(mount, guests, memory);
      let report = await unify(options);
      for (let pass = 0; pass < 4 && report.files.visited > 0; pass++) report = await unify(options);
      const times: number[] = [];
      for (let pass = 0; pass < 15; pass++) {
        const started = performance.now();
        report = await unify(options);
        times.push(performance.now() - started);
        expect(report.files).toMatchObject({ scanned: files, visited: 0, unified: 0 });
        expect(report.bytes.read).toBe(0);
      }
      return times.sort((a, b) => a - b)[7] ?? 0;
    });
  for (const files of sizes) console.log(`a pass with nothing changed over ${files} files: ${(await idle(files)).toFixed(1)} ms (median of 15)`);
}, 180_000);
