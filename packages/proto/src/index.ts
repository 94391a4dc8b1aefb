export * from "./gen/grpc/health/v1/health.pb.ts";
export * from "./gen/samepage/v1/agent.pb.ts";
export * from "./gen/samepage/v1/catalog.pb.ts";
export * from "./gen/samepage/v1/enrolment.pb.ts";
export * from "./gen/samepage/v1/host.pb.ts";
export * from "./gen/samepage/v1/operation.pb.ts";
export * from "./gen/samepage/v1/report.pb.ts";
export * from "./gen/samepage/v1/release.pb.ts";
