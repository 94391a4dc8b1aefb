import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { helperPath } from "./helpers.ts";
import { KsmError } from "./ksm-error.ts";
import { denySnippet, optInSnippet, unitOf } from "./persist-snippets.ts";
import type { GuestManager, Snippet, SnippetHost } from "./persist-snippets.ts";

/** Where units are looked for, the administrator's first (systemd.unit(5)). */
const UNIT_DIRECTORIES = ["/etc/systemd/system", "/run/systemd/system", "/usr/local/lib/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system"];

/**
 * The snippet for one guest of this host; nothing is written.
 * @throws KsmError no-guest when its unit is not found, unsupported when the manager has no place for it
 */
export function snippetFor(way: "opt-in" | "deny", manager: GuestManager, name: string): Snippet {
  // The name becomes part of a path.
  if (!/^[\w@.:-]+$/u.test(name) || name.startsWith(".")) throw new KsmError("no-guest", name, "is not a guest's name", "letters, digits and @ . : _ - only");
  // Only enrolling takes these: what is written by them would hold for nobody at the next start.
  if (/^(pid|cgroup):/u.test(name)) throw new KsmError("no-guest", name, "names processes that run now, not a guest that starts again", "name the container, machine or unit");
  const systemd = manager === "systemd" || manager === "nspawn";
  const host: SnippetHost = {
    helper: helperPath(way === "opt-in" ? "ksm-exec" : "ksm-deny"),
    systemdVersion: systemd ? systemdVersion() : 0,
    execStart: systemd ? execStartOf(unitOf(manager, name)) : "",
  };
  return way === "opt-in" ? optInSnippet(manager, name, host) : denySnippet(manager, name, host);
}

/**
 * Writes a snippet to its place, whole or not at all.
 * @param root prefix of its path, for image trees; default the host itself
 * @throws KsmError no-permission
 */
export function writeSnippet(snippet: Snippet, root = "/"): string {
  const path = join(root, snippet.path);
  try {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(`${path}.new`, snippet.content, { mode: 0o644 });
    renameSync(`${path}.new`, path);
  } catch (cause) {
    throw new KsmError("no-permission", path, "cannot be written", "run as root", cause);
  }
  return path;
}

/** 0: no systemd. */
function systemdVersion(): number {
  const { stdout } = spawnSync("systemctl", ["--version"], { encoding: "utf8" });
  return Number(/^systemd (\d+)/u.exec(stdout)?.[1] ?? 0);
}

function execStartOf(unit: string): string {
  const template = unit.replace(/@[^.]*\./u, "@.");
  for (const directory of UNIT_DIRECTORIES) {
    for (const name of [unit, template]) {
      const path = join(directory, name);
      if (!existsSync(path)) continue;
      const found = /^ExecStart=(.+(?:\\\n.*)*)/mu.exec(readFileSync(path, "utf8"))?.[1];
      if (found !== undefined) return found.replaceAll(/\\\n\s*/gu, " ");
    }
  }
  throw new KsmError("no-guest", unit, "no such unit, or it starts nothing", `looked in ${UNIT_DIRECTORIES.join(", ")}`);
}
