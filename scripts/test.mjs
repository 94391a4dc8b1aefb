// npm test: sets up what the tests need, then runs every test. Arguments go to vitest.
import { run, setUp, toolEnvironment } from "./setup.mjs";

setUp(["build", "run", "test"]);
run("vitest", ["run", "--reporter=default", "--reporter=./scripts/closing-line-reporter.mjs", ...process.argv.slice(2)], { env: toolEnvironment() });
