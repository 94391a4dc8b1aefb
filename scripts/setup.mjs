// Installs what a command needs and builds the packages. Plain JavaScript: it runs on any Node ≥ 18,
// before anything of ours is installed.
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** Runs a program with our output; ends this process with its exit code when it fails. */
export function run(program, args, options = {}) {
  const { status, error } = spawnSync(program, args, { cwd: root, stdio: "inherit", ...options });
  if (error) fail(`${program}: ${error.message}`);
  if (status !== 0) process.exit(status ?? 1);
}

export function fail(line) {
  console.error(`samepage: ${line}`);
  process.exit(1);
}

function isInstalled(name) {
  const { stdout } = spawnSync("dpkg-query", ["-W", "-f=${db:Status-Status}", name], { encoding: "utf8" });
  return stdout === "installed";
}

/** Installs Debian packages of the given purposes (keys of apt-packages.json) where they are missing. */
export function ensureDebianPackages(purposes) {
  const lists = JSON.parse(readFileSync(join(root, "scripts/apt-packages.json"), "utf8"));
  const missing = purposes.flatMap((purpose) => lists[purpose]).filter((name) => !isInstalled(name));
  if (missing.length === 0) return;
  const command = `apt-get install --no-install-recommends ${missing.join(" ")}`;
  if (process.getuid() !== 0) {
    console.error(`samepage: not root, so these are not installed (what needs them is skipped): ${command}`);
    return;
  }
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  // stdin closed and services kept from starting: a package install must not ask or run anything.
  const options = { env, stdio: ["ignore", "ignore", "inherit"] };
  console.error(`samepage: ${command}`);
  run("apt-get", ["update", "-qq"], options);
  run("apt-get", ["install", "-y", "-qq", "--no-install-recommends", ...missing], options);
}

/** `npm ci` when node_modules is missing or older than the lock file. */
export function ensureNodeModules() {
  const stamp = join(root, "node_modules/.package-lock.json");
  const lock = join(root, "package-lock.json");
  if (existsSync(stamp) && statSync(stamp).mtimeMs >= statSync(lock).mtimeMs) return;
  run("npm", ["ci", "--no-fund", "--no-audit", "--loglevel=error"]);
  writeFileSync(stamp, readFileSync(stamp));
}

/** The environment in which our own tools and the pinned Node come first. */
export function toolEnvironment() {
  return { ...process.env, PATH: `${join(root, "node_modules/.bin")}:${process.env.PATH}`, TURBO_TELEMETRY_DISABLED: "1", DO_NOT_TRACK: "1" };
}

/** Everything that must stand before a command of the project runs. */
export function setUp(purposes) {
  ensureDebianPackages(purposes);
  ensureNodeModules();
  run("turbo", ["run", "build", "--output-logs=errors-only"], { env: toolEnvironment(), stdio: ["ignore", "ignore", "inherit"] });
}
