import { expect, test } from "vitest";
import { AgentError } from "../agent-error.ts";
import { defaultConfig, parseAgentConfig } from "./agent-config.ts";

test("an empty file means the defaults", () => {
  expect(parseAgentConfig("", "agent.yaml")).toEqual(defaultConfig);
  expect(parseAgentConfig("guests: { host: off }", "agent.yaml")).toEqual(defaultConfig);
});

test("everything that is documented is read", () => {
  const source = `
controller: samepage.example:7443
host: h1
guests:
  providers: [lxc, nspawn]
  directories: [/srv/guests/*]
  exclude: ["lxc/secret-*"]
  domains:
    - { match: "lxc/web-*", domain: web }
  host: { domain: web }
cowGuard: off
restore: on
limits: { priority: normal, pressure: 100, bytesPerSecond: 104857600, threads: 2 }
metrics: { listen: "[::1]:9100" }
`;
  expect(parseAgentConfig(source, "agent.yaml")).toEqual({
    controller: "samepage.example:7443",
    host: "h1",
    guests: { providers: ["lxc", "nspawn"], directories: ["/srv/guests/*"], exclude: ["lxc/secret-*"], domains: [{ match: "lxc/web-*", domain: "web" }], host: { domain: "web" } },
    cowGuard: "off",
    restore: "on",
    limits: { background: false, paced: false, pressureLimit: 100, bytesPerSecond: 104_857_600, threads: 2 },
    metrics: { listen: "[::1]:9100" },
  });
});

test.each([
  ["guest: {}", /agent\.yaml: unknown key guest$/u],
  ["guests: { exlude: [a] }", /guests: unknown key exlude$/u],
  ["guests: { providers: [docker] }", /guests\.providers\[0\]: "docker" is unknown/u],
  ["guests: { directories: [srv/x] }", /guests\.directories\[0\]: "srv\/x" is not an absolute path/u],
  ["guests: { directories: [/srv/../etc] }", /is not an absolute path without/u],
  ["guests: { host: on }", /guests\.host: not a mapping$/u],
  ["guests: { host: {} }", /guests\.host\.domain: undefined is not up to 64/u],
  ["controller: nowhere", /controller: "nowhere" is not host:port/u],
  ["restore: yes", /restore: "yes" is unknown/u],
  ["cowGuard: yes", /cowGuard: "yes" is unknown/u],
  ["limits: { threads: 0 }", /limits\.threads: 0 is not a whole number/u],
  ["limits: { pressure: 0 }", /limits\.pressure: 0 is not a whole number/u],
  ["limits: { priority: high }", /limits\.priority: "high" is unknown/u],
  ["metrics: { listen: 9100 }", /metrics\.listen: 9100 is not host:port or none/u],
  ["- a", /not a mapping/u],
  ["a: [", /agent\.yaml: /u],
])("%j is refused in one line that says where", (source, message) => {
  expect(() => parseAgentConfig(source, "agent.yaml")).toThrow(AgentError);
  expect(() => parseAgentConfig(source, "agent.yaml")).toThrow(message);
});
