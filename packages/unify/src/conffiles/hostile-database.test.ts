import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import * as fc from "fast-check";
import { afterAll, expect, test } from "vitest";
import { DatabaseFault } from "./database-fault.ts";
import { readConffiles } from "./read-conffiles.ts";
import { configFiles } from "./rpm-header.ts";

const scratch = mkdtempSync(join(tmpdir(), "samepage-hostile-database-"));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const md5 = "d41d8cd98f00b204e9800998ecf8427e";

async function readOf(path: string, content: string | Buffer): Promise<{ paths: string[]; codes: string[] }> {
  const file = join(scratch, "guest", path);
  rmSync(join(scratch, "guest"), { recursive: true, force: true });
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, content);
  const codes: string[] = [];
  const paths = await readConffiles(join(scratch, "guest"), AbortSignal.timeout(60_000), ({ code }) => codes.push(code));
  return { paths: [...paths].sort(), codes };
}

const blank = fc.stringMatching(/^[ \t]{1,5}$/u);
const path = fc.stringMatching(/^\/etc\/[a-z0-9]{1,8}( [a-z0-9]{1,4}){0,2}$/u);
const flag = fc.constantFrom("obsolete", "remove-on-upgrade");

test("any fields of a status file, however they are laid out, give exactly their paths", async () => {
  const entry = fc.record({ path, gaps: fc.tuple(blank, blank), digest: fc.constantFrom(md5, "newconffile"), flags: fc.array(fc.tuple(blank, flag), { maxLength: 3 }), end: fc.stringMatching(/^[ \t]{0,4}$/u) });
  const noise = fc.constantFrom("Description: x", ` ${md5}`, ` /etc/a ${md5} x`, "", "Conffiles", " .", `X-Conffiles: /etc/z ${md5}`, "\t");
  await fc.assert(
    fc.asyncProperty(fc.array(fc.record({ before: fc.array(noise, { maxLength: 3 }), field: fc.constantFrom("Conffiles:", "conffiles: ", "CONFFILES:"), entries: fc.array(entry, { maxLength: 4 }) })), async (stanzas) => {
      const text = stanzas.flatMap(({ before, field, entries }) => [
        "Package: a", // ends the field before
        ...before,
        field,
        ...entries.map(({ path: own, gaps, digest, flags, end }) => `${gaps[0]}${own}${gaps[1]}${digest}${flags.map(([gap, word]) => gap + word).join("")}${end}`),
        "Maintainer: b",
      ]);
      const wanted = new Set(stanzas.flatMap(({ entries }) => entries.map((each) => each.path)));
      expect(await readOf("var/lib/dpkg/status", text.join("\n"))).toEqual({ paths: [...wanted].sort(), codes: [] });
    }),
    { numRuns: 25 },
  );
});

test.for([
  ["blanks", " ".repeat(2_000_000)],
  ["blanks and tabs before a word", `${" \t".repeat(1_000_000)}x`],
  ["flags", ` /etc/a ${"obsolete ".repeat(100_000)}`],
  ["digests", ` ${`${md5} `.repeat(100_000)}x`],
  ["fields", "\nConffiles:".repeat(100_000)],
])("a status file of very many %s is read in linear time", async ([, line]) => {
  const started = performance.now();
  expect(await readOf("var/lib/dpkg/status", `Conffiles:\n${line}\n /etc/b ${md5}\n`)).toEqual({ paths: ["/etc/b"], codes: [] });
  // Each takes some ten milliseconds; what looks at every pair of bytes takes hours.
  expect(performance.now() - started).toBeLessThan(30_000);
});

/** An rpm header: counts, index, data; any of them wrong. */
const header = fc
  .record({
    entries: fc.array(
      fc.record({
        tag: fc.constantFrom(1027, 1037, 1116, 1117, 1118, 1000),
        type: fc.constantFrom(4, 8, 6, 0, 0xffffffff),
        offset: fc.oneof(fc.nat(200), fc.constantFrom(0xffffffff, 0x7fffffff)),
        count: fc.oneof(fc.nat(8), fc.constantFrom(0xffffffff, 0x10000000, 1_000_001)),
      }),
      { maxLength: 8 },
    ),
    data: fc.uint8Array({ maxLength: 200 }),
    claims: fc.option(fc.record({ entries: fc.constantFrom(0, 1, 0xffff, 0xffffffff), bytes: fc.constantFrom(0, 1, 0xffffffff) }), { freq: 3 }),
  })
  .map(({ entries, data, claims }) => {
    const bytes = Buffer.alloc(8 + entries.length * 16 + data.length);
    bytes.writeUInt32BE(claims?.entries ?? entries.length, 0);
    bytes.writeUInt32BE(claims?.bytes ?? data.length, 4);
    for (const [at, { tag, type, offset, count }] of entries.entries()) [tag, type, offset, count].forEach((word, index) => bytes.writeUInt32BE(word, 8 + at * 16 + index * 4));
    bytes.set(data, 8 + entries.length * 16);
    return bytes;
  });

/** What comes of it: paths, or the only error that a header may give. */
function outcome(of: Buffer): "paths" | "fault" {
  try {
    for (const name of configFiles(of)) if (typeof name !== "string") throw new TypeError("not a path");
    return "paths";
  } catch (error) {
    if (error instanceof DatabaseFault) return "fault";
    throw error;
  }
}

test("any package header gives paths or a fault, and nothing else", () => {
  const seen = new Set<string>();
  fc.assert(fc.property(header, (bytes) => void seen.add(outcome(bytes))), { numRuns: 1000 });
  expect([...seen].sort()).toEqual(["fault", "paths"]);
});

test("a header that claims as many directories as it has bytes is a fault before it fills the memory", () => {
  const size = 32 * 1024 * 1024;
  const bytes = Buffer.alloc(8 + 3 * 16 + size);
  [3, size, 1037, 4, 0, 1, 1117, 8, 0, 1, 1118, 8, 0, size].forEach((word, at) => bytes.writeUInt32BE(word, at * 4));
  const before = process.memoryUsage().heapUsed;
  expect(outcome(bytes)).toBe("fault");
  expect(process.memoryUsage().heapUsed - before).toBeLessThan(64 * 1024 * 1024);
});

test("an ndb whose slots all lead to one package is read once for each slot, not all of it again", async () => {
  const slots = 4096;
  const table = Buffer.alloc((slots + 2) * 16);
  for (let at = 0; at < table.length; at += 16) table.write("Slot", at);
  table.fill(0, 0, 32);
  table.write("RpmP");
  const pages = Math.floor(table.length / 4096);
  table.writeUInt32LE(pages, 12);
  // Far from the slots, so that each is a jump there and back.
  const blobAt = 8 * 1024 * 1024;
  const file = Buffer.alloc(blobAt + 64);
  for (let slot = 2; slot < pages * 256; slot++) [7, blobAt / 16, 4].forEach((word, at) => table.writeUInt32LE(word, slot * 16 + 4 + at * 4));
  table.copy(file);
  file.write("BlbS", blobAt);
  file.writeUInt32LE(7, blobAt + 4);
  file.writeUInt32LE(8, blobAt + 12);
  const started = performance.now();
  expect(await readOf("var/lib/rpm/Packages.db", file)).toEqual({ paths: [], codes: [] });
  // 8 GB of reading, if every jump read a megabyte ahead.
  expect(performance.now() - started).toBeLessThan(30_000);
});
