import type { Described } from "./scrape.ts";

/** docs/metrics.md, from what a running controller and a running agent say of themselves. */
export function metricsPage(controller: readonly Described[], agent: readonly Described[]): string {
  return `# Metrics

Written from the code: what a running controller and a running agent say of themselves. [Monitoring](monitoring.md) tells how to collect them.

## Controller

\`GET /metrics\` on the operators' port (default \`127.0.0.1:7480\`), HTTPS, with a viewer's token. What is read from Redis (hosts, savings) is the same on every controller: take \`max()\` over controllers, never \`sum()\`.

${table(controller)}

## Agent

\`GET /metrics\` on \`metrics.listen\` of agent.yaml (default \`127.0.0.1:7481\`), plain HTTP. On a host without KSM its figures are not there.

${table(agent)}

Both also have the figures of their own process: \`process_*\` and \`nodejs_*\`.
`;
}

/** The names that the Node runtime's own figures have. */
export function isOwn({ name }: Described): boolean {
  return name.startsWith("samepage_");
}

function table(metrics: readonly Described[]): string {
  const rows = metrics.filter(isOwn).toSorted((a, b) => (a.name < b.name ? -1 : 1));
  return ["| metric | type | |", "|---|---|---|", ...rows.map(({ name, type, help }) => `| \`${name}\` | ${type} | ${help} |`)].join("\n");
}
