// npm run quickstart: the whole path once, on real guests. Plain JavaScript up to here, because any Node ≥ 18 starts
// it; everything after the set-up runs on the pinned Node.
import { spawn } from "node:child_process";
import { join } from "node:path";
import { root, setUp, toolEnvironment } from "./setup.mjs";

console.error("samepage: setting up (packages, build)");
setUp(["build", "run", "quickstart"]);

const words = [join(root, "node_modules/.bin/node"), join(root, "scripts/quickstart/main.ts"), ...process.argv.slice(2)];
// Without root: a user namespace of our own, in which file systems in memory can be mounted; it ends with the process.
const isRoot = process.getuid() === 0;
const [program, ...rest] = isRoot ? words : ["unshare", "--user", "--map-root-user", "--mount", ...words];
const env = { ...toolEnvironment(), ...(isRoot ? {} : { SAMEPAGE_QUICKSTART_PLAIN: "1" }) };
const child = spawn(program, rest, { cwd: root, stdio: "inherit", env });
child.on("error", (error) => {
  console.error(`quickstart: ${program}: ${error.message}. Without root it needs unshare (util-linux) and user namespaces (sysctl user.max_user_namespaces).`);
  process.exit(1);
});
// The child cleans up after itself; this process only waits for it. A terminal's Ctrl-C reaches the child by itself.
process.on("SIGINT", () => {});
for (const signal of ["SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
child.on("exit", (code) => process.exit(code ?? 1));
