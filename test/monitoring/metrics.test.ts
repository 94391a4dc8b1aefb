import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type AgentConfig, defaultConfig } from "@samepage/agent";
import { isOver, startFleet } from "@samepage/test-e2e";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { isOwn, metricsPage } from "./metrics-page.ts";
import { type Described, describeMetrics, fetchText, sample } from "./scrape.ts";

const monitoring = join(import.meta.dirname, "../../deploy/monitoring");
const promtool = ["/usr/bin/promtool", "/usr/local/bin/promtool"].find((path) => existsSync(path));
const whyNot = promtool === undefined ? "promtool is not installed (Debian: prometheus)" : "";
const config: AgentConfig = { ...defaultConfig, guests: { ...defaultConfig.guests, directories: ["/guests/*"] }, metrics: { listen: "127.0.0.1:0" } };

/** What Prometheus gets of a controller and an agent that have done one rollout. */
let controller = "";
let agent = "";

beforeAll(async () => {
  await using fleet = await startFleet();
  mkdirSync(join(fleet.dir, "h1-root/guests/a"), { recursive: true });
  mkdirSync(join(fleet.dir, "h1-root/guests/b"));
  for (const guest of ["a", "b"]) writeFileSync(join(fleet.dir, "h1-root/guests", guest, "equal"), "same".repeat(5000));
  const host = await fleet.addAgent("h1", { config });
  const { id } = await fleet.api.rollouts.create({ operation: { kind: "plan" } });
  await fleet.until(id, isOver);
  const secured = { ca: fleet.controller.ca, token: fleet.controller.adminToken };
  agent = (await fetchText(`${host.metrics}/metrics`)).body;
  controller = (await fetchText(`${fleet.controller.address.api}/metrics`, secured)).body;
});

function run(args: readonly string[], input?: string): { readonly status: number | null; readonly said: string } {
  const { status, stdout, stderr } = spawnSync(promtool ?? "", args, { encoding: "utf8", cwd: monitoring, ...(input === undefined ? {} : { input }) });
  return { status, said: `${stdout}${stderr}` };
}

test("what an agent measured is what happened", () => {
  expect(sample(agent, "samepage_agent_connected")).toBe(1);
  expect(sample(agent, 'samepage_agent_jobs_total{outcome="succeeded"}')).toBe(1);
  expect(sample(agent, 'samepage_agent_guests{state="unknown"}')).toBe(2);
  expect(sample(agent, "samepage_agent_job_seconds_count")).toBe(1);
  expect(sample(agent, "samepage_ksm_tuning")).toBe(0);
  // Issued for a day.
  const left = (sample(agent, "samepage_agent_certificate_expiry_timestamp_seconds") ?? 0) - Date.now() / 1000;
  expect(left).toBeGreaterThan(23 * 3600);
  expect(left).toBeLessThan(25 * 3600);
});

test("what a controller measured is what happened", () => {
  expect(sample(controller, "samepage_controller_healthy")).toBe(1);
  expect(sample(controller, 'samepage_hosts{state="online"}')).toBe(1);
  expect(sample(controller, 'samepage_hosts{state="offline"}')).toBe(0);
  expect(sample(controller, 'samepage_rollout_transitions_total{state="completed"}')).toBe(1);
  // There before it happens: an increase from nothing would not be seen.
  expect(sample(controller, 'samepage_rollout_transitions_total{state="failed"}')).toBe(0);
  expect(sample(controller, 'samepage_rollout_host_transitions_total{state="succeeded"}')).toBe(1);
  expect(sample(controller, 'samepage_command_delivery_seconds_count{outcome="acknowledged"}')).toBe(1);
  expect(sample(controller, 'samepage_command_delivery_seconds_count{outcome="missing"}')).toBe(0);
});

test("docs/metrics.md is what the running programs say of themselves", async () => {
  await expect(metricsPage(describeMetrics(controller), describeMetrics(agent))).toMatchFileSnapshot("../../docs/metrics.md");
});

describe.skipIf(whyNot !== "")(`held by promtool${whyNot && ` (skipped: ${whyNot})`}`, () => {
  let directory: string;
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), "samepage-monitoring-"));
  });
  afterAll(() => {
    rmSync(directory, { recursive: true });
  });

  test("names and types are by convention", () => {
    // The figures of the Node runtime are named by its client library.
    const ours = (scrape: string): string =>
      scrape
        .split("\n")
        .filter((line) => /^(?:# (?:HELP|TYPE) )?samepage_/u.test(line))
        .join("\n");
    for (const scrape of [agent, controller]) expect(run(["check", "metrics"], `${ours(scrape)}\n`)).toEqual({ status: 0, said: "" });
  });

  test("the rules are valid, and each fires and keeps quiet as its unit tests say", () => {
    expect(run(["check", "rules", "alerts.yml"])).toMatchObject({ status: 0 });
    const { status, said } = run(["test", "rules", "alerts.test.yml"]);
    expect(said).toContain("SUCCESS");
    expect(status).toBe(0);
    const rules = [...readFileSync(join(monitoring, "alerts.yml"), "utf8").matchAll(/alert: (\w+)/gu)].map(([, name]) => name);
    const tests = readFileSync(join(monitoring, "alerts.test.yml"), "utf8");
    expect(rules.length).toBeGreaterThan(10);
    expect(rules.filter((name) => !new RegExp(`alertname: ${name}\\n`, "u").test(tests))).toEqual([]);
  });

  test("the example configuration is valid", () => {
    for (const name of ["prometheus.yml", "alerts.yml"]) writeFileSync(join(directory, name), readFileSync(join(monitoring, name)));
    for (const name of ["samepage.token", "samepage-ca.pem"]) writeFileSync(join(directory, name), "");
    const { status, said } = run(["check", "config", join(directory, "prometheus.yml")]);
    expect(said).not.toContain("FAILED");
    expect(status).toBe(0);
  });

  test("every question of the Grafana dashboard can be read", () => {
    const rules = dashboardQuestions().map((expr, at) => ({ record: `panel_${at}`, expr: expr.replaceAll("$__rate_interval", "5m").replaceAll("$instance", ".*") }));
    const file = join(directory, "dashboard.yml");
    writeFileSync(file, JSON.stringify({ groups: [{ name: "dashboard", rules }] }));
    expect(run(["check", "rules", file])).toMatchObject({ status: 0, said: expect.stringContaining(`${rules.length} rules found`) });
  });
});

test("alerts and dashboard ask for nothing that nobody measures", () => {
  const known = new Set([...describeMetrics(controller), ...describeMetrics(agent)].filter(isOwn).flatMap(seriesOf));
  const asked = [readFileSync(join(monitoring, "alerts.yml"), "utf8"), ...dashboardQuestions()].join("\n").match(/\bsamepage_\w+/gu) ?? [];
  expect(asked.length).toBeGreaterThan(30);
  expect([...new Set(asked)].filter((name) => !known.has(name))).toEqual([]);
});

function seriesOf({ name, type }: Described): string[] {
  return type === "histogram" ? [`${name}_bucket`, `${name}_count`, `${name}_sum`] : [name];
}

function dashboardQuestions(): string[] {
  const { panels }: { panels: readonly { readonly targets?: readonly { readonly expr: string }[] }[] } = JSON.parse(readFileSync(join(monitoring, "grafana-dashboard.json"), "utf8"));
  return panels.flatMap(({ targets }) => (targets ?? []).map(({ expr }) => expr));
}
