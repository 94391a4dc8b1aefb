import { existsSync } from "node:fs";
import { join } from "node:path";
import { run, temporaryDirectory } from "@samepage/test-support";
import { describe, expect, test } from "vitest";
import { ansibleScenario } from "./ansible-scenario.ts";

const root = join(import.meta.dirname, "../..");
const isThorough = process.env["SAMEPAGE_THOROUGH"] === "1";
const missing = ["/usr/bin/ansible-playbook", "/usr/bin/ansible-lint"].find((path) => !existsSync(path));
const skipReason = missing === undefined ? undefined : `${missing} is not installed`;
const machineSkipReason = [
  isThorough ? undefined : "takes a minute and more: SAMEPAGE_THOROUGH=1",
  existsSync("/usr/bin/systemd-nspawn") ? undefined : "systemd-nspawn is not installed",
  process.getuid?.() === 0 ? undefined : "machines need root",
].find((reason) => reason !== undefined);

describe.skipIf(skipReason !== undefined)(`Ansible${skipReason === undefined ? "" : ` (skipped: ${skipReason})`}`, () => {
  test("its linter finds nothing in the playbook and the roles", async () => {
    await using home = await temporaryDirectory("samepage-ansible-lint-");
    const files = ["site.yml", ...["packages", "controller", "agent"].map((name) => `roles/samepage_${name}`)];
    const environment = { cwd: join(root, "deploy/ansible"), env: { ...process.env, HOME: home.path, LC_ALL: "C.UTF-8" } };
    await expect(run("ansible-lint", ["--offline", "--strict", "--nocolor", ...files], environment)).resolves.toBeDefined();
    await expect(run("ansible-playbook", ["--syntax-check", "--inventory", "inventory.example.yml", "site.yml"], environment)).resolves.toContain("playbook: site.yml");
  });

  test.skipIf(machineSkipReason !== undefined)(
    `the playbook makes bare machines a fleet, changes nothing the second time, carries out a changed configuration, refuses a wrong one, and says no token${machineSkipReason === undefined ? "" : ` (skipped: ${machineSkipReason})`}`,
    { timeout: 900_000 },
    async () => {
      await using directory = await temporaryDirectory("samepage-ansible-release-");
      const packages = join(directory.path, "packages");
      await run(process.execPath, [join(root, "deploy/debian/build-packages.mjs"), packages]);
      await expect(ansibleScenario(packages)).resolves.toBeUndefined();
    },
  );
});
