export { simulatedEngine } from "./simulated-engine.ts";
export { isOver, startFleet, type TestFleet } from "./test-fleet.ts";
