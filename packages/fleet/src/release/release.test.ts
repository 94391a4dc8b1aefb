import { expect, test } from "vitest";
import { FleetError } from "../fleet-error.ts";
import { decideUpgrade } from "./decide-upgrade.ts";
import { agentTreeOf, parseRelease } from "./release.ts";

const file = { name: "samepage-agent_0.2.0_amd64.tar.gz", size: 10, sha256: "a".repeat(64) };

test("an upgrade goes forward, or back to the version that ran just before, and nowhere else", () => {
  expect(decideUpgrade({ wanted: "0.10.0", running: "0.9.0", previous: undefined })).toBe("fetch");
  expect(decideUpgrade({ wanted: "0.9.0", running: "0.9.0", previous: "0.8.0" })).toBe("same");
  expect(decideUpgrade({ wanted: "0.8.0", running: "0.9.0", previous: "0.8.0" })).toBe("back");
  expect(decideUpgrade({ wanted: "0.8.0", running: "0.9.0", previous: "0.7.0" })).toBe("older");
  expect(decideUpgrade({ wanted: "0.9.0+rebuilt", running: "0.9.0", previous: undefined })).toBe("older");
});

test("a release names its files as plain names with their digests, or it is refused", () => {
  const release = parseRelease(JSON.stringify({ version: "0.2.0", files: [file] }));
  expect(agentTreeOf(release, "x86_64")).toEqual(file);
  expect(agentTreeOf(release, "riscv64")).toBeUndefined();
  const refused = ["", "null", "{", "[]", { files: [file] }, { version: "../1", files: [file] }, { version: "0.2.0" }, { version: "0.2.0", files: [{ ...file, name: "../../etc/passwd" }] }, { version: "0.2.0", files: [{ ...file, sha256: "A" }] }];
  for (const text of refused) expect(() => parseRelease(typeof text === "string" ? text : JSON.stringify(text))).toThrow(FleetError);
});
