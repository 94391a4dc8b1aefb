// node scripts/bundle.mjs DIRECTORY: the samepage command as it is installed, below DIRECTORY: lib/samepage.mjs with its parts, bin/node and build/ with
// the native helpers. What an earlier run left there goes.
import { chmodSync, cpSync, existsSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { build } from "esbuild";
import { root } from "./setup.mjs";

const directory = process.argv[2];
if (directory === undefined) throw new Error("name the directory to fill");
for (const part of ["lib", "bin", "build"]) rmSync(join(directory, part), { recursive: true, force: true });
await build({
  entryPoints: { samepage: join(root, "packages/cli/bin/installed.mjs") },
  outdir: join(directory, "lib"),
  outExtension: { ".js": ".mjs" },
  bundle: true,
  // What a verb does not need is neither read nor compiled: each import() is a part of its own. All lie side by side, since they find build/ from there.
  splitting: true,
  chunkNames: "[name]-[hash]",
  platform: "node",
  format: "esm",
  target: "node24",
  legalComments: "linked",
  // Modules of the older kind inside the bundle still ask for built-in modules by require().
  banner: { js: 'import { createRequire as createBundleRequire } from "node:module"; const require = createBundleRequire(import.meta.url);' },
  // Optional accelerators and printers that are used only when somebody installs them.
  external: ["msgpackr-extract", "pino-pretty"],
  logLevel: "error",
});
const isPinned = process.execPath.includes("node-linux");
copy(isPinned ? process.execPath : createRequire(join(root, "package.json")).resolve(`node-linux-${process.arch}/bin/node`), join(directory, "bin/node"));
chmodSync(join(directory, "bin/node"), 0o755);
// The bundle finds them as the sources do: in ../build of where it lies.
for (const name of readdirSync(join(root, "packages"))) {
  const built = join(root, "packages", name, "build");
  if (!existsSync(built)) continue;
  for (const file of readdirSync(built, { withFileTypes: true })) if (file.isFile() && /\.(?:node|so)$|^[a-z-]+$/u.test(file.name)) copy(join(built, file.name), join(directory, "build", file.name));
}

function copy(from, to) {
  mkdirSync(dirname(to), { recursive: true });
  cpSync(from, to, { dereference: true });
}
