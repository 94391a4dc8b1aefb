import { setPriority } from "node:os";
import { backgroundLimits, planUnify } from "@samepage/unify";

/**
 * scan-child STATE-DIRECTORY GUEST…: scans the guests again and again, as an agent at its default limits does; lines on
 * standard output say how many bytes have been read by then. Nothing is kept from one scan to the next, so that each reads everything.
 */
const [stateDir = "", ...paths] = process.argv.slice(2);
// What the agent's unit says of its main thread (Nice=10).
setPriority(10);
const guests = paths.map((path) => ({ name: path, path, domain: "default", state: "stopped" as const }));
let before = 0;
let now = 0;
for (;;) {
  const onProgress = ({ phase, bytes }: { readonly phase: string; readonly bytes: number }) => {
    if (phase !== "identify") return;
    now = bytes;
    console.log(before + now);
  };
  using _ = await planUnify({ guests, stateDir, strategy: "hardlink", guard: "none", onProgress, ...backgroundLimits });
  before += now;
}
