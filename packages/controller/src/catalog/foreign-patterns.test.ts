import { expect, test } from "vitest";
import { foreignPatterns } from "./foreign-patterns.ts";

const guests = [
  { name: "lxc/web-1", domain: "blue" },
  { name: "lxc/web-2", domain: "red" },
  { name: "lxc/db-1", domain: "red" },
];

test("a pattern is foreign to a template when all it matches is of other domains, and not when it matches nobody yet", () => {
  expect(foreignPatterns(["lxc/web-*", "lxc/db-?", "lxc/web-2", "incus/*", "lxc/web.1"], guests, "blue")).toEqual([
    { pattern: "lxc/db-?", domains: ["red"] },
    { pattern: "lxc/web-2", domains: ["red"] },
  ]);
});
