// buf lint, and buf breaking against the newest commit that other versions may already speak.
import { spawnSync } from "node:child_process";
import { run, root, toolEnvironment } from "./setup.mjs";

const env = toolEnvironment();
run("buf", ["lint"], { env });
const git = (...args) => spawnSync("git", args, { cwd: root, encoding: "utf8" }).stdout.trim();
// The newest release tag is what hosts in the field run; before the first release nothing can break.
const release = git("describe", "--tags", "--abbrev=0", "--match", "v*");
if (release === "") console.log("buf breaking: no release yet, nothing to compare with");
else run("buf", ["breaking", "--against", `.git#ref=${release}`], { env });
