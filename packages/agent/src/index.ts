export { AgentError, type AgentErrorCode } from "./agent-error.ts";
export type { Agent, AgentOptions } from "./agent-options.ts";
export { type AgentConfig, defaultConfig, parseAgentConfig, readAgentConfig } from "./config/agent-config.ts";
export { createAgent } from "./create-agent.ts";
export { becomeMember } from "./identity/become-member.ts";
export { type Identity, readIdentity } from "./identity/identity-file.ts";
export { type DiscoveredGuest, discoverGuests, hostTree } from "./discovery/discover-guests.ts";
export type { Engine } from "./jobs/engine.ts";
export { servicePlaces } from "./upgrade/upgrade-places.ts";
