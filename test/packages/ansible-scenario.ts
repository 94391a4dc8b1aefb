import { chmod, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { buildSystem } from "@samepage/test-corpus";
import { run, temporaryDirectory } from "@samepage/test-support";
import { expect } from "vitest";
import { type BootedMachine, bootMachine } from "./booted-machine.ts";
import { openNetwork } from "./open-network.ts";

const playbooks = join(import.meta.dirname, "../../deploy/ansible");
const names = ["controller", "web-1"] as const;

/**
 * The playbook of deploy/ansible makes two bare machines a fleet; run again it changes nothing; a change of the configuration is
 * carried out, and a wrong one is refused. The most talkative Ansible says no token.
 * @param packages a release as `npm run package` makes it
 */
export async function ansibleScenario(packages: string): Promise<void> {
  await using directory = await temporaryDirectory("samepage-ansible-");
  const system = join(directory.path, "system");
  await buildSystem("system", system);
  await using network = await openNetwork();
  await using machines = new AsyncDisposableStack();
  const boot = async (name: string, masked: readonly string[]) => machines.use(await bootMachine({ name, base: system, directory: join(directory.path, name), network: network.path, binds: [], names, masked }));
  const controller = await boot("controller", []);
  const host = await boot("web-1", ["redis-server.service"]);
  await host.sh("mkdir -p /srv/guests/mail/etc && cp /etc/os-release /srv/guests/mail/etc/");
  const play = await ansible(directory.path, packages, [controller, host]);

  const first = await play("guests: { directories: [/srv/guests/*] }", "-vvv");
  expect(first.changed["web-1"]).toBeGreaterThan(3);
  expect(await controller.sh("samepage host ls --json")).toMatch(/"name":"web-1".*"ring":"canary"/u);
  expect(JSON.parse(await host.sh("samepage agent status --json"))).toMatchObject({ member: { host: "web-1" }, guests: [{ path: "/srv/guests/mail" }] });
  expect(await controller.sh("redis-cli config get appendonly; grep -c '^appendonly yes' /etc/redis/redis.conf")).toBe("appendonly\nyes\n1\n");
  expect(await controller.sh("systemctl is-enabled samepage-controller")).toBe("enabled\n");
  expect(first.said).toContain("Become a member");
  expect(first.said).not.toContain("spe_");
  for (const { sh } of [controller, host]) expect(await sh("journalctl --no-pager | grep -c spe_ || true")).toBe("0\n");

  const agent = "systemctl show --property MainPID samepage-agent";
  const before = await host.sh(agent);
  expect((await play("guests: { directories: [/srv/guests/*] }")).changed).toEqual({ controller: 0, "web-1": 0 });
  expect(await host.sh(agent)).toBe(before);

  await expect(play("guests: { directory: /srv/guests }")).rejects.toThrow(/failed to validate[\s\S]*directory/u);
  expect(await host.sh("cat /etc/samepage/agent.yaml")).toContain("directories:");
  expect((await play("limits: { threads: 1 }")).changed).toEqual({ controller: 0, "web-1": 2 });
  expect(await host.sh(agent)).not.toBe(before);
  expect(await host.sh("systemctl is-active samepage-agent && cat /etc/samepage/agent.yaml")).toBe("active\n# By Ansible.\nlimits:\n  threads: 1\n");
}

interface Play {
  readonly said: string;
  /** Tasks that changed something, for each machine. */
  readonly changed: Readonly<Record<string, number>>;
}

/** Runs the playbook on machines that it reaches as by ssh: what stands in for that enters them. */
async function ansible(directory: string, packages: string, machines: readonly BootedMachine[]): Promise<(config: string, ...options: string[]) => Promise<Play>> {
  const entries = join(directory, "entries");
  await mkdir(entries);
  for (const { name, entry } of machines) await writeFile(join(entries, name), (await entry()).join(" "));
  const ssh = join(directory, "ssh");
  // ssh OPTION… HOST COMMAND
  await writeFile(ssh, `#!/bin/sh\nwhile [ $# -gt 2 ]; do shift; done\ncd /\nexec $(cat "${entries}/$1") sh -c "$2"\n`);
  await chmod(ssh, 0o755);
  const connection = { ansible_user: "root", ansible_ssh_executable: ssh, ansible_ssh_pipelining: true, ansible_ssh_transfer_method: "piped", ansible_python_interpreter: "/usr/bin/python3" };
  const inventory = join(directory, "inventory.json");
  return async (config, ...options) => {
    const groups = {
      all: { vars: { ...connection, samepage_release: packages } },
      samepage_controller: { hosts: { controller: {} } },
      samepage_hosts: { hosts: { "web-1": { samepage_agent_labels: { ring: "canary" } } } },
    };
    await writeFile(inventory, JSON.stringify(groups));
    const extra = `{ samepage_agent_config: { ${config} } }`;
    const said = await run("ansible-playbook", ["--inventory", inventory, "--extra-vars", extra, ...options, "site.yml"], { cwd: playbooks, env: { ...process.env, HOME: directory, ANSIBLE_NOCOLOR: "1", LC_ALL: "C.UTF-8" } });
    const recap = [...said.matchAll(/^(?<name>\S+) +: ok=\d+ +changed=(?<changed>\d+) +unreachable=0 +failed=0 /gmu)];
    return { said, changed: Object.fromEntries(recap.map(({ groups: found }) => [found?.["name"] ?? "", Number(found?.["changed"])])) };
  };
}
