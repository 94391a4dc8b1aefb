// An agent as a process of its own. Argument: AgentOptions as JSON. SIGTERM ends it cleanly.
import { type AgentOptions, createAgent } from "@samepage/agent";
import { pino } from "pino";

const given: Pick<AgentOptions, "config" | "stateDir" | "root" | "enrolment"> = JSON.parse(process.argv[2] ?? "{}");
const logger = pino({ level: process.env["SAMEPAGE_TEST_LOG"] ?? "silent" });
const agent = await createAgent({ ...given, logger });
process.once("SIGTERM", () => void agent.close().then(() => process.exit(0)));
