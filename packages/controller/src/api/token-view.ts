import type { Role } from "./role.ts";

/** A token without its secret: only a hash of that is stored. */
export interface TokenView {
  readonly id: string;
  readonly kind: "enrolment" | "operator";
  /** Who acts, for the audit; for an enrolment token an operator's note. */
  readonly name: string;
  /** Operator tokens only. */
  readonly role: Role | null;
  readonly createdAt: string;
  /** Null: does not expire (operator tokens only). */
  readonly expiresAt: string | null;
  /** Enrolment tokens work once: the host that used it. */
  readonly usedBy: string | null;
}

export interface CreateEnrolmentToken {
  readonly kind: "enrolment";
  readonly name?: string;
  /** The only host name it may enrol. Default: any name that is free. */
  readonly host?: string;
  /** Labels that the host starts with. */
  readonly labels?: Readonly<Record<string, string>>;
  /** Seconds, 60 … 604800. Default 3600: long enough to install an agent, short enough to forget. */
  readonly ttlSeconds?: number;
}

export interface CreateOperatorToken {
  readonly kind: "operator";
  /** Shown in the audit as who did it. */
  readonly name: string;
  readonly role: Role;
  /** Seconds, 60 … 31536000. Default: does not expire. */
  readonly ttlSeconds?: number;
}

export type CreateToken = CreateEnrolmentToken | CreateOperatorToken;

/** The only time the secret is shown. */
export interface CreatedToken {
  readonly token: TokenView;
  readonly secret: string;
  /** SHA-256 of the CA's public key (`sha256:<hex>`): the agent checks it before it sends the secret. */
  readonly caFingerprint: string;
  /** `host:port` for agents. */
  readonly agentAddress: string;
  /** For an enrolment: the line that installs the agent on a new host and joins, with the secret in it. Null where this controller has no packages, or hosts do not reach it. */
  readonly installCommand: string | null;
}
