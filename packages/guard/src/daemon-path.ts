import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The daemon that this package's build makes; a packaged agent names its own place in `SAMEPAGE_GUARDD`. */
export const daemonPath = process.env["SAMEPAGE_GUARDD"] ?? join(dirname(dirname(fileURLToPath(import.meta.url))), "build/samepage-guardd");

/** Where daemon and agent meet; `/run` so that a reboot clears it. */
export const defaultSocketPath = "/run/samepage-guard.sock";

/** Marks (they must outlive a reboot), intents and the journal of breaks. */
export const defaultGuardStateDir = "/var/lib/samepage/guard";
