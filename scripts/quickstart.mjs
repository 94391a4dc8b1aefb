// npm run quickstart: the whole path once, on real guests. Plain JavaScript up to here, because any Node ≥ 18 starts
// it; everything after the set-up runs on the pinned Node.
import { spawn } from "node:child_process";
import { join } from "node:path";
import { root, setUp, toolEnvironment } from "./setup.mjs";

console.error("samepage: setting up (packages, build)");
setUp(["build", "run", "quickstart"]);

const node = join(root, "node_modules/.bin/node");
const child = spawn(node, [join(root, "scripts/quickstart/main.ts"), ...process.argv.slice(2)], { cwd: root, stdio: "inherit", env: toolEnvironment() });
// The child cleans up after itself; this process only waits for it. A terminal's Ctrl-C reaches the child by itself.
process.on("SIGINT", () => {});
for (const signal of ["SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
child.on("exit", (code) => process.exit(code ?? 1));
