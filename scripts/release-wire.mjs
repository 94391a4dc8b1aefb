// Part of making a release: from now on this contract is what others may speak.
import { run, toolEnvironment } from "./setup.mjs";

run("buf", ["build", "--exclude-source-info", "-o", "proto/released.json"], { env: toolEnvironment() });
