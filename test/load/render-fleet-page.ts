import { judge } from "./fleet-targets.ts";
import type { FleetRun } from "./fleet-run.ts";
import { figures } from "./render-fleet.ts";

/** The page of all sizes: one column each. */
export function renderPage(runs: readonly FleetRun[]): string {
  const sizes = runs.map(({ measures }) => `${measures.agents.toLocaleString("en")} agents`);
  const promised = columns(runs.map(({ measures }) => judge(measures).map(({ what, figures: found, isMet }) => [what, `${isMet ? "met" : "**not met**"}: ${found}`])));
  const measured = columns(runs.map(({ measures }) => figures(measures)));
  const header = (first: string) => `| ${[first, ...sizes].join(" | ")} |\n|${"---|".repeat(sizes.length + 1)}`;
  return `# A fleet on one controller

\`npm run bench:fleet -- --agents N\`: Redis, one controller with the environment of its packaged unit, and N real agents (mutual TLS, state directories of their own; only the engine is simulated) share this machine. A rollout goes over all of them in three waves; 5 % of the jobs fail, 2 % of the agents are cut off in their job and start again. Then the controller is killed. The figures of this page are in [fleet.json](fleet.json); what they mean for an installation is in [Sizing](../sizing.md).

${header("promised")}
${promised}

${header("")}
${measured}

${runs.map(({ measures, on, machine, loadBefore }) => `- ${measures.agents.toLocaleString("en")} agents: ${on}, ${machine}; load ${loadBefore.toFixed(0)} before the run.`).join("\n")}

Where the load is not 0 the machine did other work beside: times and rates are lower bounds then, memory is not affected.
`;
}

/** Rows of a table from the columns' own rows; every column has the same ones. */
function columns(lists: readonly (readonly (readonly string[])[])[]): string {
  const [first = []] = lists;
  return first.map(([what = ""], row) => `| ${[what, ...lists.map((list) => list[row]?.[1] ?? "")].join(" | ")} |`).join("\n");
}
