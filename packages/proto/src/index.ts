export * from "./gen/samepage/v1/agent.pb.ts";
