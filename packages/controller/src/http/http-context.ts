import type { FastifyReply, FastifyRequest } from "fastify";
import { ControllerError, type ControllerErrorCode, type ErrorBody } from "../api/controller-error.ts";
import { type Role, roles } from "../api/role.ts";
import type { TokenStore } from "../stores/token-store.ts";

/** Who asks. */
export interface Operator {
  readonly name: string;
  readonly role: Role;
}

const httpStatus: Record<ControllerErrorCode, number> = {
  invalid: 400,
  unauthenticated: 401,
  forbidden: 403,
  "not-found": 404,
  conflict: 409,
  unreachable: 502,
  "redis-unreachable": 503,
  "redis-unfit": 503,
  "state-dir": 500,
  listen: 500,
  overloaded: 503,
  internal: 500,
};

/**
 * The operator whose bearer token the request carries, if the role is at least `least`.
 * @throws ControllerError `unauthenticated` or `forbidden`.
 */
export async function authorize(request: FastifyRequest, tokens: TokenStore, least: Role): Promise<Operator> {
  const match = /^Bearer (?<secret>\S{1,200})$/u.exec(request.headers.authorization ?? "");
  const secret = match?.groups?.["secret"];
  if (secret === undefined) throw new ControllerError("unauthenticated", "no token", { hint: "send Authorization: Bearer TOKEN; the first admin's is in the controller's admin-token file" });
  const operator = await tokens.operator(secret, Date.now());
  if (operator === undefined) throw new ControllerError("unauthenticated", "the token is not known, or it has expired", { hint: "ask an admin for a new one" });
  if (roles.indexOf(operator.role) < roles.indexOf(least)) {
    throw new ControllerError("forbidden", `this needs the role ${least}; ${operator.name} is ${operator.role}`, { hint: "ask an admin" });
  }
  return operator;
}

/** Answers with an error's code, message and hint; what is not ours becomes `internal` without its details. */
export function sendError(thrown: unknown, request: FastifyRequest, reply: FastifyReply): void {
  const error = toControllerError(thrown);
  if (error.code === "internal") request.log.error({ err: thrown }, "request failed");
  const { code, hint, target } = error;
  const message = code === "internal" ? "the controller failed; its log says why" : error.message;
  const body: ErrorBody = { error: { code, message, hint, target } };
  void reply.status(httpStatus[code]).send(body);
}

function toControllerError(thrown: unknown): ControllerError {
  if (thrown instanceof ControllerError) return thrown;
  if (thrown instanceof Error && /Command timed out/u.test(thrown.message)) {
    return new ControllerError("redis-unreachable", "Redis takes commands and does not answer; whether this one was done is not known", { hint: "is Redis stopped, or its machine cut off? Look at what you asked for before you ask again", cause: thrown });
  }
  if (thrown instanceof Error && isRedisAway(thrown)) {
    return new ControllerError("redis-unreachable", "Redis does not answer; nothing was changed", { hint: "is redis-server running? The controller goes on by itself when it is back", cause: thrown });
  }
  // What fastify refuses: bodies that are no JSON, too large, or do not fit the schema.
  if (thrown instanceof Error && "statusCode" in thrown && typeof thrown.statusCode === "number" && thrown.statusCode < 500) {
    return new ControllerError(thrown.statusCode === 404 ? "not-found" : "invalid", thrown.message, { cause: thrown });
  }
  return ControllerError.from(thrown);
}

/** Whether an error of the client, or an answer of the server, means that there is no Redis to work with at the moment. */
export function isRedisAway(error: Error): boolean {
  return /Stream isn't writeable|Connection is closed|Command timed out|ECONNREFUSED|ENOENT|max retries per request|ClusterAllFailed|Failed to refresh slots cache|^ReplyError (?:LOADING|CLUSTERDOWN|MASTERDOWN|READONLY)/iu.test(`${error.name} ${error.message}`);
}
