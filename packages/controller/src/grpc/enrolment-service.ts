import { type handleUnaryCall, type sendUnaryData, type ServerUnaryCall, status } from "@grpc/grpc-js";
import type { EnrolmentServiceServer } from "@samepage/proto";
import type { Logger } from "pino";
import { ControllerError } from "../api/controller-error.ts";
import type { Enrolment } from "../enrolment.ts";
import { type Refusal, refusal } from "./refusal.ts";

/** The gRPC face of enrolment. */
export function createEnrolmentService(enrolment: Enrolment, logger: Logger): EnrolmentServiceServer {
  return {
    enrol: unary(logger, async ({ token, host, csr }) => enrolment.enrol(token, host, csr)),
    rejoin: unary(logger, async ({ certificate, csr }) => enrolment.rejoin(certificate, csr)),
  };
}

function unary<Request, Response>(logger: Logger, handle: (request: Request) => Promise<Response>): handleUnaryCall<Request, Response> {
  const answer = async (call: ServerUnaryCall<Request, Response>): Promise<{ response: Response } | { refused: Refusal }> => {
    try {
      return { response: await handle(call.request) };
    } catch (error) {
      const failure = ControllerError.from(error);
      logger.warn({ peer: call.getPeer(), code: failure.code, reason: failure.message, target: failure.target }, "enrolment refused");
      return { refused: failure.code === "internal" ? refusal(status.UNAVAILABLE, "the controller cannot enrol now") : refusal(toStatus(failure), failure.message) };
    }
  };
  const serve = async (call: ServerUnaryCall<Request, Response>, callback: sendUnaryData<Response>) => {
    const outcome = await answer(call);
    if ("refused" in outcome) callback(outcome.refused);
    else callback(null, outcome.response);
  };
  return (call, callback) => void serve(call, callback);
}

function toStatus(error: ControllerError): status {
  switch (error.code) {
    case "invalid":
      return status.INVALID_ARGUMENT;
    case "unauthenticated":
      return status.UNAUTHENTICATED;
    case "conflict":
      return status.ALREADY_EXISTS;
    case "forbidden":
    case "not-found":
      return status.PERMISSION_DENIED;
    default:
      return status.UNAVAILABLE;
  }
}
