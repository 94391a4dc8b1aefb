// npm run bench:neighbour: installs what it needs, then measures what a guest feels of a scan. Arguments go to it.
import { run, setUp, toolEnvironment } from "./setup.mjs";

setUp(["build", "run", "test"]);
run("node", ["test/bench/bench-neighbour.ts", ...process.argv.slice(2)], { env: toolEnvironment() });
