import { setPriority } from "node:os";
import { backgroundLimits, planUnify } from "@samepage/unify";

/**
 * scan-child STATE-DIRECTORY GUEST…: scans the guests again and again, as an agent at its default limits does; a line on
 * standard output says that a scan has ended. Nothing is kept from one to the next, so that each reads everything.
 */
const [stateDir = "", ...paths] = process.argv.slice(2);
// What the agent's unit says of its main thread (Nice=10).
setPriority(10);
const guests = paths.map((path) => ({ name: path, path, domain: "default", state: "stopped" as const }));
for (;;) {
  using plan = await planUnify({ guests, stateDir, strategy: "hardlink", guard: "none", ...backgroundLimits });
  console.log(plan.report.files.scanned);
}
