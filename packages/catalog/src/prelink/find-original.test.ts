import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { fixturesReason, prelinkFixtures } from "../testing/prelink-fixtures.ts";
import { syntheticElf } from "../testing/synthetic-elf.ts";
import { findOriginal } from "./find-original.ts";

const sha256 = (bytes: Buffer) => createHash("sha256").update(bytes).digest("hex");
const fixtures = prelinkFixtures();

describe("a library written by hand", () => {
  test("is plain before and restored to the byte after prelinking", () => {
    const { original, prelinked } = syntheticElf();
    expect(findOriginal(original).state).toBe("plain");
    const finding = findOriginal(prelinked);
    expect(finding.state).toBe("prelinked");
    expect(finding.original?.equals(original)).toBe(true);
    expect(finding.originalDigest).toBe(sha256(original));
  });

  test("names what is wrong when its undo section is cut", () => {
    const { prelinked } = syntheticElf();
    const shoff = Number(prelinked.readBigUInt64LE(40));
    const undoHeader = shoff + 9 * 64;
    prelinked.writeBigUInt64LE(prelinked.readBigUInt64LE(undoHeader + 32) - 1n, undoHeader + 32);
    const finding = findOriginal(prelinked);
    expect(finding.originalDigest).toBeUndefined();
    expect(finding.reason).toMatch(/^prelink-undo-mismatch: /);
  });
});

describe.skipIf(fixtures === undefined)(`real prelinked files (skipped when ${fixturesReason})`, () => {
  test.each(Object.entries(fixtures?.exact ?? {}))("%s is restored to %s", (file, original) => {
    const finding = findOriginal(fixtures?.read(file) ?? Buffer.alloc(0));
    expect(finding.state).toBe("prelinked");
    expect(finding.originalDigest).toBe(original);
    expect(finding.buildId).toMatch(/^[0-9a-f]{40}$/);
  });

  test.each(inexact(true))("%s is restored although prelink's own undo fails", (file, original) => {
    const finding = findOriginal(fixtures?.read(file) ?? Buffer.alloc(0));
    expect(finding.state).toBe(file.includes("-moved") ? "moved" : "prelinked");
    expect(finding.originalDigest).toBe(original);
  });

  test.each(inexact(false))("%s, whose original is lost, gets a candidate or a reason", (file, original) => {
    const finding = findOriginal(fixtures?.read(file) ?? Buffer.alloc(0));
    expect(finding.state).toBe("prelinked");
    expect(finding.originalDigest).not.toBe(original);
    expect(finding.originalDigest ?? finding.reason).toMatch(/^([0-9a-f]{64}|prelink-undo-(missing|mismatch): .*)$/);
  });

  test.each(originals(fixtures?.exact))("%s is not taken for prelinked", (file) => {
    expect(findOriginal(fixtures?.read(file) ?? Buffer.alloc(0)).state).toBe("plain");
  });
});

/** The never-prelinked files the exact ones come from. */
function originals(exact: Record<string, string> | undefined): string[] {
  return [...new Set(Object.keys(exact ?? {}).map((file) => file.replace(/\/[abc]\//, "/original/")))];
}

function inexact(recoverable: boolean): [string, string][] {
  const files = Object.entries(fixtures?.inexact ?? {}).filter(([, entry]) => entry.recoverable === recoverable);
  return files.map(([file, entry]) => [file, entry.original]);
}
