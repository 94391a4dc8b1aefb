import { Metadata, type status, type StatusObject } from "@grpc/grpc-js";

/** A gRPC status as an error: what an agent is told when it is turned away. */
export class Refusal extends Error implements StatusObject {
  override readonly name = "Refusal";
  readonly code: status;
  readonly details: string;
  readonly metadata = new Metadata();

  constructor(code: status, details: string) {
    super(details);
    this.code = code;
    this.details = details;
  }
}

export function refusal(code: status, details: string): Refusal {
  return new Refusal(code, details);
}
