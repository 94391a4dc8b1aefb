import type { RolloutPlan } from "./rollout-plan.ts";
import type { RolloutState } from "./rollout-state.ts";
import { viewHosts } from "./view-hosts.ts";

/** Hosts that failed for the same cause on the same kernel series. */
export interface FailureGroup {
  /** The cause's code. */
  readonly code: string;
  /** Major and minor number of the kernel, e.g. `5.10`; "" where unknown. */
  readonly kernel: string;
  /** What the first of the hosts said. */
  readonly message: string;
  readonly hosts: readonly string[];
  /** For people: "17 hosts: EOPNOTSUPP on 5.10". */
  readonly summary: string;
}

/** The failed hosts of a rollout, grouped by cause and kernel, largest group first. */
export function groupFailures(plan: RolloutPlan, state: RolloutState): FailureGroup[] {
  const groups = new Map<string, { code: string; kernel: string; message: string; hosts: string[] }>();
  for (const { name, kernel, phase, cause } of viewHosts(plan, state)) {
    if (phase !== "failed" || cause === null) continue;
    const series = /^\d+\.\d+/u.exec(kernel)?.[0] ?? "";
    const key = `${cause.code}\0${series}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, { code: cause.code, kernel: series, message: cause.message, hosts: [name] });
    else group.hosts.push(name);
  }
  return [...groups.values()]
    .sort((a, b) => b.hosts.length - a.hosts.length)
    .map(({ code, kernel, message, hosts }) => ({
      code,
      kernel,
      message,
      hosts,
      summary: `${hosts.length} ${hosts.length === 1 ? "host" : "hosts"}: ${code}${kernel === "" ? "" : ` on ${kernel}`}`,
    }));
}
