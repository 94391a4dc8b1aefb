// Where the installed command begins (scripts/bundle.mjs): its own Node is beside it, so there is nothing to choose.
import { useCompileCache } from "./compile-cache.mjs";

useCompileCache();
await import("../src/main.ts");
