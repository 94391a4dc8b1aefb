// npm run bench:unify: installs the deduplicators to compare with, then runs test/bench. Arguments go to it.
import { run, setUp, toolEnvironment } from "./setup.mjs";

setUp(["build", "run", "test", "bench"]);
run("node", ["test/bench/bench-unify.ts", ...process.argv.slice(2)], { env: toolEnvironment() });
