import { type handleUnaryCall, type sendUnaryData, type ServerUnaryCall, status } from "@grpc/grpc-js";
import { CatalogError } from "@samepage/catalog";
import type { Logger } from "pino";
import { ControllerError } from "../api/controller-error.ts";
import type { HostStore } from "../stores/host-store.ts";
import { identifyPeer } from "./peer-identity.ts";
import { Refusal, refusal } from "./refusal.ts";

/** A unary call that only members may make; what goes wrong becomes a status that says no more than it should. */
export function serveMember<Request, Response>(hosts: HostStore, logger: Logger, handle: (host: string, request: Request) => Promise<Response>): handleUnaryCall<Request, Response> {
  const answer = async (call: ServerUnaryCall<Request, Response>): Promise<{ response: Response } | { refused: Refusal }> => {
    try {
      const { host } = await identifyPeer(call, hosts);
      return { response: await handle(host, call.request) };
    } catch (error) {
      if (error instanceof Refusal) return { refused: error };
      if (error instanceof CatalogError) return { refused: refusal(status.FAILED_PRECONDITION, error.message) };
      const failure = ControllerError.from(error);
      logger.warn({ peer: call.getPeer(), code: failure.code, reason: failure.message }, "a member's call refused");
      return { refused: failure.code === "internal" ? refusal(status.UNAVAILABLE, "the controller cannot answer now") : refusal(status.FAILED_PRECONDITION, failure.message) };
    }
  };
  const serve = async (call: ServerUnaryCall<Request, Response>, callback: sendUnaryData<Response>) => {
    const outcome = await answer(call);
    if ("refused" in outcome) callback(outcome.refused);
    else callback(null, outcome.response);
  };
  return (call, callback) => void serve(call, callback);
}
