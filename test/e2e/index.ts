export { readStoredIdentity } from "./raw-agent.ts";
export { type AgentProcess, startAgentProcess } from "./agent-process.ts";
export { simulatedEngine } from "./simulated-engine.ts";
export { isOver, startFleet, type TestFleet } from "./test-fleet.ts";
