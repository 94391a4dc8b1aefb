import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FleetError } from "../fleet-error.ts";
import type { HostFacts } from "../host-facts.ts";
import { matchesSelector, parseSelector } from "./selector.ts";

const WEB: HostFacts = { name: "web-1", labels: { env: "prod", role: "web", note: "a b, c", canary: "" }, kernel: "5.10.0-28-amd64", arch: "x86_64", os: "debian 11", zone: "UTC" };
const DB: HostFacts = { name: "db-1", labels: { env: "test", role: "db" }, kernel: "6.1.0-9", arch: "aarch64", os: "debian 12", zone: "UTC" };

function matches(selector: string): string[] {
  const parsed = parseSelector(selector);
  return [WEB, DB].filter((host) => matchesSelector(parsed, host)).map(({ name }) => name);
}

describe("a selector", () => {
  it.each([
    ["all", ["web-1", "db-1"]],
    ["env=prod", ["web-1"]],
    ["env!=prod", ["db-1"]],
    ["missing!=x", ["web-1", "db-1"]],
    ["role in (web, db)", ["web-1", "db-1"]],
    ["role notin (web)", ["db-1"]],
    ["canary", ["web-1"]],
    ["!canary", ["db-1"]],
    ["name~web-*", ["web-1"]],
    ["name~*-?", ["web-1", "db-1"]],
    ["name!~web-*", ["db-1"]],
    ["kernel>=5.15", ["db-1"]],
    ["kernel<5.10.1", ["web-1"]],
    ["kernel>5.9,kernel<=5.10", ["web-1"]],
    [' note = "a b, c" ', ["web-1"]],
    ['canary=""', ["web-1"]],
    ["env=prod,role in (web,db),canary,name~web-*", ["web-1"]],
    ["nothing>=1", []],
    ["constructor", []],
  ])("%s", (selector, names) => {
    expect(matches(selector)).toEqual(names);
  });

  it("never reads an operator's label from what an agent reports", () => {
    const hostile = { ...DB, labels: {}, env: "prod" };
    expect(matchesSelector(parseSelector("env=prod"), hostile)).toBe(false);
  });

  it.each([
    ["", 0, "a label or fact is missing"],
    ["env=", 4, "a value is missing"],
    ["env=prod,", 9, "a label or fact is missing"],
    ["env=prod role=web", 9, "this is not understood"],
    ["role in web", 8, "the list is missing"],
    ["role in (web", 12, "the list does not end"],
    ["role in ()", 9, "a value is missing"],
    ["kernel>=new", 8, "is not a version"],
    ["=prod", 0, "no label or fact begins like this"],
    ['note="open', 5, "a value is missing"],
    ["*", 0, "no label or fact begins like this"],
  ])("%o is refused at position %i", (selector, position, message) => {
    let thrown: unknown;
    try {
      parseSelector(selector);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toMatchObject({ code: "bad-selector", position });
    expect(String(thrown)).toContain(message);
  });

  it("is parsed or refused, and never slow, whatever the text", () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 60 }), (text) => {
        try {
          return typeof matches(text).length === "number";
        } catch (error) {
          return error instanceof FleetError;
        }
      }),
    );
    const started = performance.now();
    matches(`name~${"*a".repeat(200)}`);
    expect(performance.now() - started).toBeLessThan(1000);
  });
});
