// buf lint, and buf breaking against the contract that hosts in the field may speak: proto/released.json, the descriptors of
// the last release. A file rather than a tag, so that the gate holds in shallow clones and archives too.
import { run, toolEnvironment } from "./setup.mjs";

const env = toolEnvironment();
run("buf", ["lint"], { env });
run("buf", ["breaking", "--against", "proto/released.json"], { env });
