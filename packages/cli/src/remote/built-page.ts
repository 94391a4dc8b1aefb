import { existsSync } from "node:fs";
import { join } from "node:path";
import type { ControllerOptions } from "@samepage/controller";
import { dashboardDirectory } from "@samepage/dashboard";

/** The controller's option that serves the dashboard where it is installed or built, and nothing where it is not. */
export function builtPage(): Pick<ControllerOptions, "pageDirectory"> {
  return existsSync(join(dashboardDirectory, "index.html")) ? { pageDirectory: dashboardDirectory } : {};
}
