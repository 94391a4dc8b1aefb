export { ControllerError } from "./api/index.ts";
export type { Controller, ControllerOptions } from "./controller-options.ts";
export { createController } from "./create-controller.ts";
