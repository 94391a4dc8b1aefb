import { createController, type ControllerOptions } from "@samepage/controller";
import { pino } from "pino";

/** A controller as a process: options as JSON in the first argument, one line of JSON on stdout once it is ready. SIGTERM closes it. */
const options: Omit<ControllerOptions, "logger" | "signal"> = JSON.parse(process.argv[2] ?? "{}");
const stop = new AbortController();
process.once("SIGTERM", () => stop.abort());
const controller = await createController({ ...options, signal: stop.signal, logger: pino({ level: process.env["SAMEPAGE_TEST_LOG"] ?? "silent" }, pino.destination(2)) });
process.stdout.write(`${JSON.stringify({ api: controller.address.api, adminToken: controller.adminToken, ca: controller.ca })}\n`);
