import { expect, test } from "vitest";
import { parseTemplateName, resolveVersion, withAlias, withRetired, withVersion } from "./template-catalog.ts";
import type { Template, TemplateVersion } from "./template-catalog.ts";

const empty: Template = { name: "debian-12", domain: "blue", versions: [], aliases: {} };
const version = (name: string, manifest = `m${name}`): TemplateVersion => ({
  version: name, manifest, manifestBytes: 1, entries: 1, bytes: 1, source: { host: "h", path: "/t" }, publishedAt: 0, retired: false,
}); // prettier-ignore
const three = withVersion(withVersion(withVersion(empty, version("1")), version("2")), version("3"));

test.each([
  ["debian-12@3", { name: "debian-12", version: "3" }],
  ["debian-12", { name: "debian-12", version: "latest" }],
])("%s names %j", (text, expected) => {
  expect(parseTemplateName(text)).toEqual(expected);
});

test.each(["", "@3", "a@", "a@1@2", "../a", "a b", "é@1"])("%j is refused", (text) => {
  expect(() => parseTemplateName(text)).toThrow(/template-name/);
});

test("latest follows publication; aliases stay where they were set", () => {
  const aliased = withAlias(three, "stable", "2");
  const four = withVersion(aliased, version("4"));
  expect(resolveVersion(four, "latest").version).toBe("4");
  expect(resolveVersion(four, "stable").version).toBe("2");
  expect(resolveVersion(withAlias(four, "testing", "stable"), "testing").version).toBe("2");
});

test("a version never changes: the same content again is nothing new, other content is refused", () => {
  expect(withVersion(three, version("2"))).toBe(three);
  expect(() => withVersion(three, version("2", "other"))).toThrow(/template-exists.*never changes|template-exists/);
});

test("a retired version is still there to compare with", () => {
  const retired = withRetired(three, "1");
  expect(() => withVersion(retired, { ...resolveVersion(retired, "1"), retired: false })).toThrow(/was retired/u);
  expect(resolveVersion(retired, "1").retired).toBe(true);
  expect(retired.versions.map((known) => known.retired)).toEqual([true, false, false]);
});

test.each([
  [() => resolveVersion(three, "9"), /template-unknown/],
  [() => withAlias(three, "latest", "1"), /template-name/],
  [() => withAlias(three, "2", "1"), /template-name/],
  [() => withAlias(three, "stable", "9"), /template-unknown/],
  [() => withVersion(three, version("latest")), /template-name/],
  [() => resolveVersion(three, "constructor"), /template-unknown/],
])("what does not exist or cannot be named so is refused", (attempt, code) => {
  expect(attempt).toThrow(code);
});
