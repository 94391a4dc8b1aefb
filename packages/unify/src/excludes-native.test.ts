import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { planUnify } from "./engine.ts";
import { verdictOf } from "./excludes-reference.ts";
import { parseExcludes } from "./excludes.ts";

let root = "";
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "samepage-excludes-"));
});
afterAll(() => rm(root, { recursive: true, force: true }));

const name = fc.string({ unit: fc.constantFrom("a", "b", "c", "*", "\\", "]", "-", "\xff"), minLength: 1, maxLength: 6 });
const rule = fc
  .tuple(fc.constantFrom("", "+", "-", "~"), fc.array(fc.constantFrom("a", "b", "*", "?", "[ab]", "[!a]", "[a-c]", "[]b]", "\\*", "\\\\", "\\xff"), { minLength: 1, maxLength: 5 }))
  .map(([sign, parts]) => `${sign}/x/${parts.join("")}`);

test("the walk leaves out exactly what the reference matcher says", async ({ skip }) => {
  skip(process.getuid?.() !== 0, "needs root, as the engine does");
  await fc.assert(
    fc.asyncProperty(fc.uniqueArray(name, { minLength: 1, maxLength: 12 }), fc.array(rule, { maxLength: 5 }), async (names, lines) => {
      rmSync(join(root, "x"), { recursive: true, force: true });
      mkdirSync(join(root, "x"));
      for (const each of names) writeFileSync(Buffer.from(`${root}/x/${each}`, "latin1"), `more than sixteen bytes in ${each.length}`);
      using plan = await planUnify({ guests: [{ name: "g", path: root, domain: "d", state: "stopped" }], strategy: "hardlink", guard: "none", excludes: lines, minSize: 1 });
      const rules = parseExcludes(lines);
      const leftOut = names.filter((each) => verdictOf(rules, Buffer.from(`/x/${each}`, "latin1")) !== "include");
      expect(plan.report.files.skipped.excluded ?? 0).toBe(leftOut.length);
    }),
    { numRuns: 60 },
  );
});
