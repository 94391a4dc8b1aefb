import { expect, test } from "vitest";
import { escapeName } from "./escape-name.ts";

const latin1 = (bytes: Buffer) => bytes.toString("latin1");

test.each([
  ["plain", "plain"],
  ["grüße", "grüße"],
  [String.raw`back\slash`, String.raw`back\\slash`],
  ["line\nbreak", String.raw`line\x0abreak`],
])("%j is shown as %s", (name, shown) => {
  expect(escapeName(latin1(Buffer.from(name)))).toBe(shown);
});

test("bytes that are no UTF-8 are told apart from the text of their escape", () => {
  expect(escapeName("caf\xe9")).toBe(String.raw`caf\xe9`);
  expect(escapeName(String.raw`caf\xe9`)).toBe(String.raw`caf\\xe9`);
});
