// npm run bench:ksm: installs Debian's ksmtuned to compare with, then runs test/bench-ksm. Arguments go to it.
import { run, setUp, toolEnvironment } from "./setup.mjs";

setUp(["build", "run", "bench"]);
run("node", ["test/bench-ksm/main.ts", ...process.argv.slice(2)], { env: toolEnvironment() });
