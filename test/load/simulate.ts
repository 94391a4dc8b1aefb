import { readFileSync } from "node:fs";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { createApiClient } from "@samepage/controller/api";
import { hostNames, startSimulator } from "./start-simulator.ts";

/** `npm run simulate`: agents against a controller that runs, until Ctrl-C; see README.md. */
const { values } = parseArgs({
  options: {
    api: { type: "string", default: "https://127.0.0.1:7480" },
    "token-file": { type: "string", default: "/var/lib/samepage-controller/admin-token" },
    ca: { type: "string" },
    agents: { type: "string", default: "1000" },
    simulators: { type: "string", default: "1" },
    dir: { type: "string", default: join(tmpdir(), `samepage-simulated-${process.pid}`) },
    failing: { type: "string", default: "0.05" },
    restarting: { type: "string", default: "0.02" },
    "job-seconds": { type: "string", default: "10" },
  },
});
const api = createApiClient({ url: values.api, token: readFileSync(values["token-file"], "utf8").trim(), ...(values.ca === undefined ? {} : { ca: readFileSync(values.ca, "utf8") }) });
const agents = Number(values.agents);
const simulators = Number(values.simulators);
const longest = Number(values["job-seconds"]) * 1000;
process.stderr.write(`starting ${agents} agents below ${values.dir}\n`);
const running = await Promise.all(
  Array.from({ length: simulators }, async (_, index) => {
    const first = Math.floor((index * agents) / simulators);
    const hosts = hostNames(first, Math.floor(((index + 1) * agents) / simulators) - first);
    return startSimulator(api, { dir: values.dir, hosts, milliseconds: [longest / 10, longest], failing: Number(values.failing), restarting: Number(values.restarting) });
  }),
);
process.stderr.write("all are connected; Ctrl-C ends them\n");
// An open stream of events keeps this process; a signal ends it.
const alive = setInterval(() => {}, 60_000);
await Promise.race([once(process, "SIGINT"), once(process, "SIGTERM")]);
clearInterval(alive);
for (const simulator of running) await simulator.kill();
