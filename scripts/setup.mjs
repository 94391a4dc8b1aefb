// Installs what a command needs and builds the packages. Plain JavaScript: it runs on any Node ≥ 18,
// before anything of ours is installed.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
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

/**
 * Debian 12's npm 9 on Node 18 silently leaves out optional packages that its rules misjudge, the pinned Node
 * among them. So where npm is older than 11, a pinned pair of Node and npm is fetched first and used instead.
 */
function npmCommand() {
  const { stdout } = spawnSync("npm", ["--version"], { encoding: "utf8" });
  if (Number.parseInt(stdout, 10) >= 11) return ["npm"];
  const { optionalDependencies, packageManager } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  const node = `node-linux-${process.arch}`;
  const prefix = join(root, ".cache/toolchain");
  const command = [join(prefix, "node_modules", node, "bin/node"), join(prefix, "node_modules/npm/bin/npm-cli.js")];
  if (!command.every((file) => existsSync(file))) {
    mkdirSync(prefix, { recursive: true });
    writeFileSync(join(prefix, "package.json"), "{}");
    run("npm", ["install", "--no-save", "--force", "--no-fund", "--no-audit", "--loglevel=error", `${node}@${optionalDependencies[node]}`, packageManager], { cwd: prefix });
  }
  return command;
}

/** `npm ci` when node_modules is missing or older than the lock file. */
export function ensureNodeModules() {
  const stamp = join(root, "node_modules/.package-lock.json");
  const lock = join(root, "package-lock.json");
  if (existsSync(stamp) && statSync(stamp).mtimeMs >= statSync(lock).mtimeMs) return;
  const [program, ...first] = npmCommand();
  run(program, [...first, "ci", "--no-fund", "--no-audit", "--loglevel=error"]);
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
