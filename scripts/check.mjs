// npm run check: types, lint (which holds the import rule), dead exports, wire contract.
import { ensureNodeModules, run, toolEnvironment } from "./setup.mjs";

ensureNodeModules();
run("turbo", ["run", "types", "lint", "dead", "wire", "--output-logs=errors-only", ...process.argv.slice(2)], { env: toolEnvironment() });
