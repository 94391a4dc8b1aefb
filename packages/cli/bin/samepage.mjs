#!/usr/bin/env node
// Plain JavaScript, so that any Node starts it: the sources need a Node that strips types (22.18 or newer),
// and where the machine's own is older this starts the one that npm installed beside us.
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { constants } from "node:os";
import { fileURLToPath } from "node:url";
import { useCompileCache } from "./compile-cache.mjs";

const [major, minor] = process.versions.node.split(".").map(Number);
const main = new URL("../src/main.ts", import.meta.url);
if (major > 22 || (major === 22 && minor >= 18)) {
  useCompileCache();
  await import(main.href);
} else {
  const pinned = fileURLToPath(new URL("../../../node_modules/.bin/node", import.meta.url));
  if (!existsSync(pinned)) {
    console.error(`samepage: Node ${process.versions.node} is too old: 22.18 or newer is needed. Run "npm ci" in the checkout, it brings one.`);
    process.exit(1);
  }
  const child = spawn(pinned, [fileURLToPath(main), ...process.argv.slice(2)], { stdio: "inherit" });
  // A signal from the terminal reaches the child by itself; one sent to us alone is passed on.
  for (const signal of ["SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
  process.on("SIGINT", () => {});
  child.on("exit", (code, signal) => process.exit(code ?? 128 + (constants.signals[signal] ?? 0)));
}
