export { controllerMain, type MainProcess, startMain } from "./main-process.ts";
export { freePorts } from "./free-ports.ts";
