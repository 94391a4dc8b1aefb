import { text } from "../option.ts";

/** Where every agent verb finds what it needs. */
export const agentPlaceOptions = {
  config: text("file", "agent.yaml", { defaultText: "/etc/samepage/agent.yaml, or its defaults where there is none", completes: "file" }),
  stateDir: text("dir", "identity, jobs, unsent reports and the index", { defaultText: "/var/lib/samepage", completes: "directory" }),
} as const;
