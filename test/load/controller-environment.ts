import { readFileSync } from "node:fs";
import { join } from "node:path";

/** The environment that the packaged unit gives a controller, as `NAME=value`: what is measured is what is shipped. */
export function controllerEnvironment(): string[] {
  const unit = readFileSync(join(import.meta.dirname, "../../deploy/systemd/samepage-controller.service"), "utf8");
  return Array.from(unit.matchAll(/^Environment=(\w+=.*)$/gmu), ([, assignment = ""]) => assignment);
}
